/** Numbers that bound something, each with its reason. What an operator may change stands in the configuration. */

/** Keys beyond this become an issue `key_too_long`: a PostgreSQL b-tree entry holds at most 2,704 bytes. */
export const MAX_KEY_BYTES = 2_000;

/** Rows of one insert batch of the load path: 500–1,000 are enough (more brings nothing, measured). */
export const LOAD_BATCH_ROWS = 500;

/** Bytes of one insert batch, so that a batch of large rows stays a short statement. */
export const LOAD_BATCH_BYTES = 4 * 1024 * 1024;

/** Objects that a load slot claims at once. */
export const CLAIM_OBJECTS = 64;

/** Bytes that a load slot claims at once; one larger object is claimed alone. */
export const CLAIM_BYTES = 64 * 1024 * 1024;

/** A worker loads this many bytes at once in all slots together (design §13). */
export const IN_FLIGHT_BYTES = 256 * 1024 * 1024;

/** One object, streamed (design §13). */
export const MAX_OBJECT_BYTES = 5 * 1024 * 1024 * 1024;

/** One row of a task file; a longer one is an issue `row_too_large` (design §13). */
export const MAX_ROW_BYTES = 16 * 1024 * 1024;

/** Decoded bytes of an object against its stored ones; beyond is an issue `ratio_too_large` (design §13). */
export const MAX_DECODED_RATIO = 100;

/** Depth of nesting in a task document. */
export const MAX_JSON_DEPTH = 512;

/** A lease of a unit, object or delivery, renewed every third of it (design §8). */
export const LEASE_SECONDS = 45;

/** A hung worker loses its leases like a dead one when no checkpoint was committed for this long (design §6). */
export const HANG_SECONDS = 300;

/** A run gives its slot back after about this long, so that runs take turns (design §6). */
export const YIELD_MS = 10_000;

/** Claims of one object without a checkpoint; after the third it is an issue `poison` (design §6). */
export const MAX_ATTEMPTS = 3;

/** Slots of the counters that many writers share (project_tally, run_slot). */
export const COUNTER_SLOTS = 16;

/** Characters of a user's regular expression; compiling stays in milliseconds. */
export const MAX_PATTERN_CHARS = 512;

/** `POST …/sync` waits this long for a final state before it answers with whatever is true then (design §6). */
export const SYNC_WAIT_MS = 10_000;

/** Keys that a dry run keeps per reason; all are counted. */
export const DRY_RUN_SAMPLE = 1_000;

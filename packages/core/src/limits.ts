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

/** Footer of a Parquet file: some 20,000 column chunks, which take 100 MB once decoded. */
export const MAX_PARQUET_FOOTER_BYTES = 8 * 1024 * 1024;

/** Values in a Parquet footer (a column chunk has about 25): a list of empty structs would take 300 bytes of memory per byte. */
export const MAX_PARQUET_FOOTER_VALUES = 500_000;

/** Stored bytes of one row group, which is read as a whole. Writers aim at 128 MiB decoded. */
export const MAX_PARQUET_GROUP_BYTES = 128 * 1024 * 1024;

/** Decoded bytes of one Parquet page: DuckDB goes up to 100,000,000, other writers make pages of 1 MiB. */
export const MAX_PARQUET_PAGE_BYTES = 104 * 1024 * 1024;

/** Values of one Parquet page, which a run-length code makes out of nothing: pyarrow's row groups have as many rows. */
export const MAX_PARQUET_PAGE_VALUES = 1024 * 1024;

/** Decoded bytes that no ratio is asked of: a small file of equal rows is no bomb. */
export const FREE_DECODED_BYTES = 64 * 1024 * 1024;

/** A row of a JSON file beyond this is parsed in a thread with limits; below it stalls the event loop for 20 ms at most. */
export const INLINE_ROW_BYTES = 1024 * 1024;

/** Heap that a row or a column may take by estimate once it is parsed; beyond is an issue `parse_limit`. */
export const MAX_PARSED_BYTES = 384 * 1024 * 1024;

/** Heap of a parsing thread. Above the estimates, because V8 ends the whole process when one large allocation meets the limit. */
export const PARSE_HEAP_MIB = 512;

/** One answer of a parsing thread (a row, or some thousand rows of Parquet): a hundred times what an ordinary one takes. */
export const PARSE_TIMEOUT_MS = 60_000;

/** A lease of a unit, object or delivery, renewed every third of it (design §8). */
export const LEASE_SECONDS = 45;

/** A hung worker loses its leases like a dead one when no checkpoint was committed for this long (design §6). */
export const HANG_SECONDS = 300;

/**
 * A store that asks for a longer pause gets this one. Below `HANG_SECONDS`, so that whoever waits keeps its lease, and far below
 * what a timer or an interval of the database can hold.
 */
export const MAX_RETRY_AFTER_MS = 120_000;

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

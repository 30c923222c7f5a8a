import type { Slice } from "./slice.ts";
import { accessSlice } from "./slices/access.ts";
import { ambientSlice } from "./slices/ambient.ts";
import { awsPlatformSlice } from "./slices/aws-platform.ts";
import { azurePlatformSlice } from "./slices/azure-platform.ts";
import { databaseSlice, migrationSlice } from "./slices/database.ts";
import { egressSlice } from "./slices/egress.ts";
import { exportSlice } from "./slices/export.ts";
import { gcpPlatformSlice } from "./slices/gcp-platform.ts";
import { httpSlice } from "./slices/http.ts";
import { limitsSlice } from "./slices/limits.ts";
import { listsSlice } from "./slices/lists.ts";
import { localFilesSlice } from "./slices/local-files.ts";
import { loggingSlice } from "./slices/logging.ts";
import { mediaSlice } from "./slices/media.ts";
import { ownerSlice } from "./slices/owner.ts";
import { persistenceSlice } from "./slices/persistence.ts";
import { platformSlice } from "./slices/platform.ts";
import { queueSlice } from "./slices/queue.ts";
import { retentionSlice } from "./slices/retention.ts";
import { secretsSlice } from "./slices/secrets.ts";
import { standaloneSlice } from "./slices/standalone.ts";
import { storageTypesSlice } from "./slices/storage-types.ts";
import { workerSlice } from "./slices/worker.ts";

/** Every slice, in the order in which people read about them. */
const ALL_SLICES = [
  httpSlice,
  databaseSlice,
  migrationSlice,
  queueSlice,
  secretsSlice,
  ownerSlice,
  accessSlice,
  egressSlice,
  localFilesSlice,
  storageTypesSlice,
  listsSlice,
  exportSlice,
  mediaSlice,
  ambientSlice,
  platformSlice,
  awsPlatformSlice,
  azurePlatformSlice,
  gcpPlatformSlice,
  workerSlice,
  limitsSlice,
  retentionSlice,
  loggingSlice,
  standaloneSlice,
  persistenceSlice,
] as const satisfies readonly Slice[];

/** Not read by any process: tests and scripts use such names. */
const FOREIGN_PREFIX = "BUCKETBRIDGE_TEST_";
const OWN_PREFIX = "BUCKETBRIDGE_";

/** One variable for `docs/configuration.md` and `.env.example`. */
export interface VariableDescription {
  readonly slice: string;
  /** The name to write; a name of the contract has its first prefix. */
  readonly name: string;
  /** Other names that are looked up after it. */
  readonly aliases: readonly string[];
  /** As it would be written, or undefined. */
  readonly default: string | undefined;
  /** Words for people where there is no fixed default. */
  readonly defaultText: string | undefined;
  readonly meaning: string;
  readonly isSecret: boolean;
}

/** Every variable once, in a stable order. */
export function describeConfig(): readonly VariableDescription[] {
  const described = new Map<string, VariableDescription>();
  for (const slice of ALL_SLICES as readonly Slice[]) {
    for (const variable of Object.values(slice.variables)) {
      const isContract = variable.contract === true;
      const name = isContract ? `LABEL_STUDIO_${variable.env}` : variable.env;
      if (described.has(name)) continue;
      described.set(name, {
        slice: slice.name,
        name,
        aliases: isContract ? [`HEARTEX_${variable.env}`, variable.env] : [],
        default: variable.default === "" ? undefined : variable.default,
        defaultText: variable.defaultText,
        meaning: variable.meaning,
        isSecret: variable.secret === true,
      });
    }
  }
  return [...described.values()];
}

/** One sentence for each of our own variables that does not exist: a typo must not pass for a default. */
export function findUnknownVariables(names: readonly string[]): readonly string[] {
  const known = new Set(describeConfig().map(({ name }) => name));
  return names
    .filter(
      (name) => name.startsWith(OWN_PREFIX) && !name.startsWith(FOREIGN_PREFIX) && !known.has(name),
    )
    .map((name) => `${name} is not a variable of Bucketbridge; docs/configuration.md lists them`);
}

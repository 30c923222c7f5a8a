export type { GcsFault, GcsFaultKind, InjectedGcsFault } from "./faults.ts";
export { startGcsFake, type GcsFake } from "./gcs-fake.ts";
export type {
  GcsAccount,
  GcsAwsCaller,
  GcsFakeOptions,
  GcsOperation,
  GcsPermission,
  GcsPool,
  GcsUser,
} from "./options.ts";

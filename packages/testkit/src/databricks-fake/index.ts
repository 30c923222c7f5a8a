export { startDatabricksFake, type DatabricksFake } from "./databricks-fake.ts";
export type { DatabricksFault, DatabricksFaultKind } from "./faults.ts";
export type { AppliedChange } from "./operation-log.ts";
export {
  DEFAULT_TOKEN,
  type DatabricksClient,
  type DatabricksFakeOptions,
  type DatabricksOperation,
  type DatabricksPermission,
  type DatabricksToken,
} from "./options.ts";

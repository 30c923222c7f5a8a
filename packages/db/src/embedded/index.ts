export { startCluster, type Cluster, type ClusterOptions } from "./cluster.ts";
export type { ClusterAuth, Durability } from "./data-directory.ts";
export { copyDatabase, dropDatabase, runSql } from "./databases.ts";
export { ensureDatabase, type DatabaseSpec } from "./ensure-database.ts";
export { findFreePort, isPortOpen } from "./ports.ts";
export { spawnWatched, type WatchedProcess } from "./watchdog.ts";

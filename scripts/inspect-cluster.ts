// Starts the PostgreSQL that a failed test run kept, until Ctrl-C: npm run db:inspect -- /tmp/bucketbridge-test-…
import fs from "node:fs";
import { startCluster } from "@bucketbridge/db/embedded";

const dir = process.argv[2];
if (dir === undefined || !fs.existsSync(dir)) {
  console.error("give the folder that the failed run printed: npm run db:inspect -- FOLDER");
  process.exit(2);
}
const cluster = await startCluster({ dir, auth: "trust", durability: "test" });
console.log(`superuser, append the name of a database: ${cluster.adminUrl("")}\nCtrl-C ends it`);
const stop = (): void => void cluster.stop();
process.once("SIGINT", stop).once("SIGTERM", stop);
await cluster.exited;

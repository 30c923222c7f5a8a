// schema.prisma is written by hand beside the migrations: fails when a database with all migrations is not what it says.
import path from "node:path";
import { findDrift } from "@bucketbridge/db/schema-engine";
import { startTestCluster } from "@bucketbridge/testkit";
import { ROOT } from "./launcher/paths.mjs";

const cluster = await startTestCluster();
try {
  const url = new URL(cluster.adminUrl);
  url.pathname = `/${cluster.template}`;
  const drift = await findDrift({
    adminUrl: url.href,
    schemaFile: path.join(ROOT, "prisma/schema.prisma"),
    migrationsDir: path.join(ROOT, "prisma/migrations"),
  });
  if (drift !== undefined) {
    console.error(
      `prisma/schema.prisma wants what prisma/migrations do not make (or the other way round):\n${drift}`,
    );
    process.exitCode = 2;
  }
} finally {
  await cluster.stop();
}

// Drafts the SQL for what changed in schema.prisma: npm run db:new-migration -- add_storage_region
import fs from "node:fs";
import path from "node:path";
import { draftMigration } from "@bucketbridge/db/schema-engine";
import { startTestCluster } from "@bucketbridge/testkit";
import { ROOT } from "./launcher/paths.mjs";

const name = process.argv[2] ?? "";
if (!/^[a-z][a-z0-9_]*$/.test(name)) {
  console.error("say what it does, in lower case: npm run db:new-migration -- add_storage_region");
  process.exit(2);
}
const migrationsDir = path.join(ROOT, "prisma/migrations");
const cluster = await startTestCluster();
try {
  const schemaFile = path.join(ROOT, "prisma/schema.prisma");
  const sql = await draftMigration({ adminUrl: cluster.adminUrl, schemaFile, migrationsDir });
  if (sql === undefined)
    console.log("schema.prisma asks for nothing that the migrations do not make");
  else write(sql);
} finally {
  await cluster.stop();
}

function write(sql: string): void {
  const stamp = new Date().toISOString().replace(/\D/g, "").slice(0, 14);
  const file = path.join(migrationsDir, `${stamp}_${name}`, "migration.sql");
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, sql);
  console.log(
    `${path.relative(ROOT, file)} is a draft: read docs/how-to/add-a-migration.md before you commit it`,
  );
}

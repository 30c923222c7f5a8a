import fs from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import { cruise, type ICruiseResult, type IConfiguration } from "dependency-cruiser";
import { afterAll, beforeAll, expect, it } from "vitest";

/** Which rule forbids that `from` imports `to`. A path with `node_modules` or `node:` is a package or a module of Node. */
const PLANTED: readonly (readonly [rule: string, from: string, to: string])[] = [
  ["layer-of-core", "packages/core/src/a1.ts", "packages/contracts/src/b.ts"],
  ["layer-of-storage-seam", "packages/storage/src/a2.ts", "packages/config/src/b.ts"],
  ["layer-of-storage-seam", "packages/storage/src/a3.ts", "packages/storage/src/providers/s3/b.ts"],
  ["layer-of-contracts", "packages/contracts/src/a4.ts", "packages/config/src/b.ts"],
  ["layer-of-config", "packages/config/src/a5.ts", "packages/storage/src/b.ts"],
  [
    "layer-of-storage-providers",
    "packages/storage/src/providers/s3/a6.ts",
    "packages/sync/src/b.ts",
  ],
  ["layer-of-queue", "packages/queue/src/a7.ts", "packages/db/src/b.ts"],
  ["layer-of-sync", "packages/sync/src/a8.ts", "packages/storage/src/providers/s3/b.ts"],
  ["layer-of-sync", "packages/sync/src/a9.ts", "packages/db/src/b.ts"],
  ["layer-of-db", "packages/db/src/a10.ts", "packages/sync/src/b.ts"],
  ["layer-of-db", "packages/db/src/a11.ts", "apps/api/src/b.ts"],
  ["no-circular", "packages/sync/src/circle1.ts", "packages/sync/src/circle2.ts"],
  ["no-own-package-index", "packages/sync/src/a12.ts", "packages/sync/src/index.ts"],
  ["no-own-folder-index", "packages/sync/src/formats/a13.ts", "packages/sync/src/formats/index.ts"],
  ["apps-are-islands", "apps/worker/src/a14.ts", "apps/api/src/b.ts"],
  ["apps-are-islands", "apps/api/src/a15.ts", "scripts/b.ts"],
  ["console-is-for-browsers", "apps/console/src/a16.ts", "packages/sync/src/b.ts"],
  ["native-api-knows-no-compat", "apps/api/src/v1/a17.ts", "apps/api/src/label-studio/b.ts"],
  [
    "provider-islands",
    "packages/storage/src/providers/s3/a18.ts",
    "packages/storage/src/providers/gcs/b.ts",
  ],
  [
    "provider-islands",
    "packages/storage/src/providers/s3/a19.ts",
    "packages/storage/src/providers/registry.ts",
  ],
  [
    "platform-egress-only-in-compositions",
    "packages/storage/src/providers/s3/driver2.ts",
    "packages/storage/src/egress/platform-egress.ts",
  ],
  ["core-has-no-dependencies", "packages/core/src/a20.ts", "node:fs"],
  ["core-has-no-dependencies", "packages/core/src/a21.ts", "node_modules/zod/index.js"],
  ["contracts-run-in-browsers", "packages/contracts/src/a22.ts", "node:crypto"],
  [
    "sdks-only-in-providers",
    "packages/sync/src/a23.ts",
    "node_modules/@aws-sdk/client-s3/index.js",
  ],
  [
    "sdks-are-loaded-lazily",
    "packages/storage/src/providers/s3/a24.ts",
    "node_modules/@aws-sdk/client-s3/index.js",
  ],
  ["prisma-and-pg-only-in-db", "apps/api/src/a25.ts", "node_modules/pg/index.js"],
  [
    "prisma-and-pg-only-in-db",
    "packages/testkit/src/a26.ts",
    "node_modules/@prisma/client/index.js",
  ],
  [
    "prisma-and-pg-only-in-db",
    "packages/sync/src/a27.ts",
    "packages/db/generated/prisma/client.ts",
  ],
  ["bullmq-only-in-queue", "apps/worker/src/a28.ts", "node_modules/bullmq/index.js"],
  [
    "bullmq-only-in-queue",
    "packages/storage/src/providers/redis/a29.ts",
    "node_modules/ioredis/index.js",
  ],
  ["sockets-only-in-egress", "packages/sync/src/a30.ts", "node:https"],
  [
    "sockets-only-in-egress",
    "packages/storage/src/providers/s3/a31.ts",
    "node_modules/undici/index.js",
  ],
  ["test-tools-only-in-tests", "apps/api/src/a32.ts", "packages/testkit/src/b.ts"],
  ["test-tools-only-in-tests", "packages/storage/src/a33.ts", "packages/storage/src/testing/b.ts"],
  ["test-tools-only-in-tests", "packages/queue/src/a34.ts", "packages/queue/src/b.test.ts"],
  ["test-tools-only-in-tests", "packages/queue/src/a35.ts", "node_modules/vitest/index.js"],
  [
    "testing-needs-only-the-seam",
    "packages/storage/src/testing/a36.ts",
    "packages/storage/src/providers/s3/b.ts",
  ],
  ["testkit-knows-no-app", "packages/testkit/src/a37.ts", "apps/api/src/b.ts"],
];

/** What must stay allowed: a rule that forbids everything would pass the list above. */
const ALLOWED: readonly (readonly [from: string, to: string])[] = [
  ["packages/storage/src/z1.ts", "packages/core/src/b.ts"],
  ["packages/storage/src/providers/registry.ts", "packages/storage/src/providers/s3/index.ts"],
  ["packages/storage/src/providers/s3/z2.ts", "packages/storage/src/providers/definition.ts"],
  ["packages/storage/src/providers/s3/z3.ts", "packages/storage/src/driver.ts"],
  ["packages/storage/src/egress/z4.ts", "node:net"],
  ["packages/sync/src/z5.ts", "packages/storage/src/index.ts"],
  ["packages/queue/src/z6.ts", "node_modules/bullmq/index.js"],
  ["packages/db/src/z7.ts", "node_modules/pg/index.js"],
  ["packages/sync/src/z8.test.ts", "packages/testkit/src/b.ts"],
  ["packages/storage/src/providers/s3/z9.conformance.ts", "packages/storage/src/testing/b.ts"],
  ["apps/worker/src/z10.ts", "packages/db/src/index.ts"],
];

const dir = fs.mkdtempSync(path.join(os.tmpdir(), "bucketbridge-layers-"));
const found = new Set<string>();

beforeAll(async () => {
  for (const [, from, to] of PLANTED) plant(from, to);
  for (const [from, to] of ALLOWED) plant(from, to);
  plant("packages/sync/src/circle2.ts", "packages/sync/src/circle1.ts");
  const { options, forbidden } = createRequire(import.meta.url)(
    "../.dependency-cruiser.cjs",
  ) as IConfiguration;
  const result = await cruise(["apps", "packages"], {
    ...options,
    cache: false,
    baseDir: dir,
    validate: true,
    ruleSet: { forbidden: forbidden ?? [] },
  });
  for (const { rule, from, to } of (result.output as ICruiseResult).summary.violations) {
    found.add(`${rule.name}: ${from} -> ${to.replace(/^(?=[a-z]+$)/, "node:")}`);
  }
});

afterAll(() => {
  fs.rmSync(dir, { recursive: true, force: true });
});

it.each(PLANTED)("%s: %s does not import %s", (rule, from, to) => {
  expect(found).toContain(`${rule}: ${from} -> ${to}`);
});

it("forbids nothing of what the layers need", () => {
  const starts = ALLOWED.map(([from]) => `: ${from} ->`);
  expect([...found].filter((text) => starts.some((start) => text.includes(start)))).toEqual([]);
});

/** Every rule of the configuration has a planted violation here. */
it("knows every rule", () => {
  const { forbidden = [] } = createRequire(import.meta.url)(
    "../.dependency-cruiser.cjs",
  ) as IConfiguration;
  const planted = new Set(PLANTED.map(([rule]) => rule));
  expect(forbidden.map(({ name }) => name ?? "").filter((name) => !planted.has(name))).toEqual([]);
});

function plant(from: string, to: string): void {
  const source = path.join(dir, from);
  fs.mkdirSync(path.dirname(source), { recursive: true });
  fs.appendFileSync(source, `import ${JSON.stringify(specifier(source, to))};\n`);
  const target = path.join(dir, to);
  if (to.startsWith("node:") || fs.existsSync(target)) return;
  fs.mkdirSync(path.dirname(target), { recursive: true });
  fs.writeFileSync(target, "export const b = 1;\n");
  const name = /^node_modules\/((@[^/]+\/)?[^/]+)\//.exec(to)?.[1];
  if (name === undefined) return;
  const manifest = JSON.stringify({ name, version: "1.0.0", type: "module", main: "index.js" });
  fs.writeFileSync(path.join(path.dirname(target), "package.json"), manifest);
}

function specifier(source: string, to: string): string {
  if (to.startsWith("node:")) return to;
  const name = /^node_modules\/((@[^/]+\/)?[^/]+)\//.exec(to)?.[1];
  if (name !== undefined) return name;
  const relative = path.relative(path.dirname(source), path.join(dir, to));
  return relative.startsWith(".") ? relative : `./${relative}`;
}

// The layer law of docs/architecture.md, by folder. Each rule is proven on a planted violation in scripts/layer-law.test.ts.

const TEST_FILES = "\\.(test|int\\.test|conformance|test-d)\\.ts$|^apps/[^/]+/test/";
const TEST_TOOLS = "^packages/testkit/|^packages/[^/]+/src/testing/";
const PROVIDERS = "^packages/storage/src/providers/";
const EGRESS = "^packages/storage/src/egress/";
const CLOUD_SDKS = "^node_modules/(@aws-sdk|@smithy|@google-cloud|google-auth-library|@azure)/";
const SOCKETS = "^(node:)?(net|tls|http|https|http2|dns|dns/promises|dgram)$|^node_modules/undici/";

/** Folders of one layer. A module imports only from layers strictly below its own, and from its own folder. */
const LAYERS = [
  { core: "^packages/core/" },
  {
    "storage seam": "^packages/storage/src/(?!providers/)",
    contracts: "^packages/contracts/",
    config: "^packages/config/",
  },
  {
    "storage providers": PROVIDERS,
    queue: "^packages/queue/",
    sync: "^packages/sync/",
    db: "^packages/db/",
  },
];

const layerRules = LAYERS.flatMap((layer, index) =>
  Object.entries(layer).map(([name, own]) => ({
    name: `layer-of-${name.replace(" ", "-")}`,
    comment: `${name} (layer ${index}) imports only from lower layers`,
    severity: "error",
    from: { path: own, pathNot: [TEST_FILES, TEST_TOOLS] },
    to: {
      path: "^(packages|apps|scripts|bench)/",
      pathNot: [own, ...LAYERS.slice(0, index).flatMap((lower) => Object.values(lower))],
    },
  })),
);

const onlyIn = (name, comment, { owners, target }) => ({
  name,
  comment,
  severity: "error",
  from: { path: "^(packages|apps)/", pathNot: owners },
  to: { path: target },
});

module.exports = {
  forbidden: [
    ...layerRules,
    {
      name: "no-circular",
      comment: "no circles at run time",
      severity: "error",
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    {
      name: "no-own-package-index",
      comment: "inside a package import the module itself: its index closes circles",
      severity: "error",
      from: { path: "^packages/([^/]+)/" },
      to: { path: "^packages/$1/src/index\\.ts$" },
    },
    {
      name: "no-own-folder-index",
      comment: "the index of a folder is for others",
      severity: "error",
      from: { path: "^(packages/[^/]+/src/.+/)[^/]+$", pathNot: TEST_FILES },
      to: { path: "^$1index\\.ts$" },
    },
    {
      name: "apps-are-islands",
      comment: "apps talk through tables, jobs and HTTP",
      severity: "error",
      from: { path: "^apps/([^/]+)/" },
      to: { path: "^(apps|scripts|bench)/", pathNot: "^apps/$1/" },
    },
    {
      name: "console-is-for-browsers",
      comment: "the console imports contracts and core only",
      severity: "error",
      from: { path: "^apps/console/" },
      to: { path: "^packages/", pathNot: "^packages/(contracts|core)/" },
    },
    {
      name: "native-api-knows-no-compat",
      comment: "quirks of the compatible wire stay below label-studio/",
      severity: "error",
      from: { path: "^apps/api/src/v1/" },
      to: { path: "^apps/api/src/label-studio/" },
    },
    {
      name: "provider-islands",
      comment: "a provider folder never imports another one, nor the registry",
      severity: "error",
      from: { path: "^packages/storage/src/providers/([^/]+)/" },
      to: {
        path: "^packages/storage/src/providers/(.+/|registry\\.ts|index\\.ts)",
        pathNot: "^packages/storage/src/providers/$1/",
      },
    },
    {
      name: "core-has-no-dependencies",
      comment: "core runs everywhere: no package, no node:",
      severity: "error",
      from: { path: "^packages/core/", pathNot: TEST_FILES },
      to: { pathNot: "^packages/core/" },
    },
    {
      name: "contracts-run-in-browsers",
      comment: "contracts: zod and core, no node:",
      severity: "error",
      from: { path: "^packages/contracts/", pathNot: TEST_FILES },
      to: { pathNot: "^packages/(core|contracts)/|^node_modules/zod/" },
    },
    onlyIn("sdks-only-in-providers", "cloud SDKs stay below storage/providers", {
      owners: [PROVIDERS, TEST_FILES, TEST_TOOLS],
      target: CLOUD_SDKS,
    }),
    {
      name: "sdks-are-loaded-lazily",
      comment: "await import(): a process pays for the SDKs that it uses",
      severity: "error",
      from: { path: PROVIDERS, pathNot: TEST_FILES },
      to: { path: CLOUD_SDKS, dynamic: false, dependencyTypesNot: ["type-only"] },
    },
    onlyIn("prisma-and-pg-only-in-db", "the database has one door", {
      owners: ["^packages/db/"],
      target: "^node_modules/(@prisma/|prisma/|pg/|pg-)|^packages/db/generated/",
    }),
    onlyIn(
      "bullmq-only-in-queue",
      "the queue has one door; Redis as a store is spoken to without ioredis (docs/adr)",
      { owners: ["^packages/queue/"], target: "^node_modules/(bullmq|ioredis)/" },
    ),
    {
      name: "sockets-only-in-egress",
      comment:
        "hosts that a user named are reached through storage/egress, which checks the address",
      severity: "error",
      from: {
        path: "^(packages|apps)/",
        pathNot: [
          EGRESS,
          TEST_FILES,
          TEST_TOOLS,
          "^packages/db/src/embedded/",
          "^apps/[^/]+/src/health-server\\.ts$",
          // The names of the status codes.
          "^apps/api/src/v1/problem\\.ts$",
          "^apps/standalone/",
        ],
      },
      to: { path: SOCKETS, dependencyTypesNot: ["type-only"] },
    },
    {
      name: "platform-egress-only-in-compositions",
      comment:
        "what goes out as the platform itself is made where a process is put together; credentials.ts of a provider receives it",
      severity: "error",
      from: {
        path: "^(packages|apps)/",
        pathNot: [TEST_FILES, TEST_TOOLS, "^apps/(api|worker)/src/platform\\.ts$"],
      },
      to: { path: "^packages/storage/src/egress/platform-egress\\.ts$" },
    },
    {
      name: "test-tools-only-in-tests",
      comment: "testkit, testing/ and test files never reach production code",
      severity: "error",
      from: { path: "^(packages|apps)/", pathNot: [TEST_FILES, TEST_TOOLS] },
      to: { path: `${TEST_TOOLS}|${TEST_FILES}|^node_modules/(vitest|testcontainers|fast-check)/` },
    },
    {
      name: "testing-needs-only-the-seam",
      comment: "the conformance suite runs against any driver; a harness brings one",
      severity: "error",
      from: {
        path: "^packages/storage/src/testing/",
        pathNot: [TEST_FILES, "-harness\\.ts$|/provider-deps\\.ts$"],
      },
      to: { path: "^(packages|apps)/", pathNot: "^packages/(core|storage/src/(?!providers/))" },
    },
    {
      name: "testkit-knows-no-app",
      severity: "error",
      from: { path: "^packages/testkit/" },
      to: { path: "^apps/" },
    },
  ],
  options: {
    doNotFollow: { path: ["node_modules", "^packages/db/generated/"] },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "default"],
    },
    cache: { folder: ".cache/dependency-cruiser", strategy: "content" },
  },
};

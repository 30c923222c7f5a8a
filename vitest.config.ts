import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { LongestFirst } from "./scripts/testing/longest-first.ts";

// Type tests (*.test-d.ts) are no project here: `npm run check` compiles them, which is their whole test.

/** Files beside the sources, and those of the apps below test/. */
const inWorkspace = (suffix: string): string[] => [
  `{apps,packages}/*/{src,test}/**/*.${suffix}.ts`,
  `scripts/**/*.${suffix}.ts`,
];

/** Vitest's default is one less than processors. Most of the time integration tests wait, for leases, processes and a database. */
const WORKERS = Math.max(2, availableParallelism());

/** Tables of faults, hosts and types that take minutes, and a browser: `npm test` leaves them to `npm run test:long`, .ci/run runs both. */
const LONG = [
  "apps/standalone/test/{faults,export-faults,all-types,secrets-canary}.int.test.ts",
  "apps/worker/test/{all-types,export-large,private-hosts}.int.test.ts",
  "apps/api/test/{private-hosts,media-browser}.int.test.ts",
];

const LEAK_GUARD = "packages/testkit/src/leak-guard.ts";

// A default export: vitest demands it.
export default defineConfig({
  test: {
    maxWorkers: WORKERS,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: "unit",
          include: inWorkspace("test"),
          exclude: inWorkspace("int.test"),
          setupFiles: LEAK_GUARD,
          // Milliseconds for nearly all of them; property tests take longer beside the integration tests of another worker.
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: "conformance",
          include: inWorkspace("conformance"),
          setupFiles: LEAK_GUARD,
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "int",
          include: inWorkspace("int.test"),
          exclude: ["**/*chaos.int.test.ts", ...LONG],
          globalSetup: "packages/testkit/src/global-setup.ts",
          setupFiles: LEAK_GUARD,
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "long",
          include: LONG,
          globalSetup: "packages/testkit/src/global-setup.ts",
          setupFiles: LEAK_GUARD,
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: "chaos",
          include: ["apps/*/test/*chaos.int.test.ts"],
          // Each has workers of its own: two at once would only slow each other down.
          maxWorkers: 1,
          globalSetup: "packages/testkit/src/global-setup.ts",
          setupFiles: LEAK_GUARD,
          testTimeout: 30 * 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});

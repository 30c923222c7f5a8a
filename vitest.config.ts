import { defineConfig } from "vitest/config";

/** Files beside the sources, and those of the apps below test/. */
const inWorkspace = (suffix: string): string[] => [
  `{apps,packages}/*/{src,test}/**/*.${suffix}.ts`,
  `scripts/**/*.${suffix}.ts`,
];

// A default export: vitest demands it.
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: inWorkspace("test"),
          exclude: inWorkspace("int.test"),
        },
      },
      {
        test: {
          name: "types",
          include: [],
          typecheck: {
            enabled: true,
            only: true,
            include: inWorkspace("test-d"),
            tsconfig: "tsconfig.json",
            // Errors outside the type tests are reported by `npm run check`.
            ignoreSourceErrors: true,
          },
        },
      },
      {
        test: {
          name: "conformance",
          include: inWorkspace("conformance"),
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "int",
          include: inWorkspace("int.test"),
          exclude: ["**/chaos.int.test.ts"],
          globalSetup: "packages/testkit/src/global-setup.ts",
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "chaos",
          include: ["apps/*/test/chaos.int.test.ts"],
          globalSetup: "packages/testkit/src/global-setup.ts",
          testTimeout: 30 * 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});

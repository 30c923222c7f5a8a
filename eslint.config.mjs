import js from "@eslint/js";
import { defineConfig, globalIgnores } from "eslint/config";
import prettier from "eslint-config-prettier";
import tseslint from "typescript-eslint";

const TESTS = [
  "**/*.test.ts",
  "**/*.int.test.ts",
  "**/*.conformance.ts",
  "**/*.test-d.ts",
  "apps/*/test/**/*.ts",
];
const TEST_TOOLS = ["packages/testkit/**/*.ts", "packages/*/src/testing/**/*.ts"];
const SCRIPTS = ["scripts/**/*.ts", "bench/**/*.ts", "*.config.ts"];

/** Our own rules; each selector is proven on a planted example in scripts/lint-rules.test.ts. */
const RESTRICTED = {
  environment: {
    selector: 'MemberExpression[object.name="process"][property.name="env"]',
    message:
      "read configuration through @bucketbridge/config; everything below main.ts receives values",
  },
  environmentImport: {
    selector:
      'ImportDeclaration[source.value=/^(node:)?process$/] > ImportSpecifier[imported.name="env"]',
    message:
      "read configuration through @bucketbridge/config; everything below main.ts receives values",
  },
  plainError: {
    selector: "ThrowStatement > NewExpression[callee.name=/^(Error|TypeError|RangeError)$/]",
    message: "throw AppError with a code",
  },
  userPattern: {
    selector: 'NewExpression[callee.name="RegExp"]:not([arguments.0.type="Literal"])',
    message: "patterns of users run on RE2 (linear time); a constant pattern is a literal",
  },
  bareCatch: {
    selector: "CatchClause:not([param])",
    message: "name the error, then classify it, add context or rethrow",
  },
  swallowed: {
    selector: "CatchClause > BlockStatement[body.length=0]",
    message: "an empty catch hides failures: classify the error, add context or rethrow",
  },
  defaultExport: {
    selector: "ExportDefaultDeclaration",
    message: "named exports only",
  },
  platform: {
    selector:
      'MemberExpression[property.name="platform"]:not([object.name="process"]), ObjectPattern > Property[key.name="platform"]',
    message: "the platform's own identity is read in credentials*.ts alone (design §9)",
  },
};
/** dependency-cruiser sees imports; these need none. */
const NETWORK = ["fetch", "WebSocket", "EventSource", "XMLHttpRequest"].map((name) => ({
  name,
  message: "hosts are reached through storage/egress, which checks the address",
}));
const NODE_GLOBALS = [
  ...["process", "console", "URL", "setInterval", "clearInterval", "setTimeout", "clearTimeout"],
  ...["require", "module"],
];
const BROWSER_GLOBALS = ["document", "location", "fetch", "URL", "URLSearchParams", "FormData"];
const restrict = (...rules) => ["error", ...rules];
const everywhere = [
  RESTRICTED.plainError,
  RESTRICTED.userPattern,
  RESTRICTED.bareCatch,
  RESTRICTED.swallowed,
];

export default defineConfig(
  globalIgnores([
    "**/node_modules/",
    "**/generated/",
    "coverage/",
    ".cache/",
    ".bucketbridge/",
    "examples/",
    "**/.venv/",
  ]),
  { linterOptions: { reportUnusedDisableDirectives: "error" } },
  js.configs.recommended,
  {
    files: ["**/*.ts", "**/*.tsx"],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      "no-console": "error",
      "max-lines": ["error", { max: 400, skipBlankLines: true, skipComments: true }],
      "max-lines-per-function": ["error", { max: 60, skipBlankLines: true, skipComments: true }],
      "max-params": ["error", 4],
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/no-non-null-assertion": "error",
      // `await using server = …` is used by its end.
      "@typescript-eslint/no-unused-vars": ["error", { ignoreUsingDeclarations: true }],
      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        { considerDefaultExhaustiveForUnions: true },
      ],
      "no-restricted-globals": ["error", ...NETWORK],
      "no-restricted-syntax": restrict(
        ...everywhere,
        RESTRICTED.environment,
        RESTRICTED.environmentImport,
        RESTRICTED.defaultExport,
      ),
    },
  },
  // Tests: one behaviour group may be long, and describe() is a function.
  {
    files: TESTS,
    rules: {
      "max-lines": ["error", { max: 800, skipBlankLines: true, skipComments: true }],
      "max-lines-per-function": "off",
      "no-restricted-globals": "off",
      "no-restricted-syntax": restrict(RESTRICTED.bareCatch, RESTRICTED.defaultExport),
    },
  },
  // A type test may consist of the expression that must not compile.
  { files: ["**/*.test-d.ts"], rules: { "@typescript-eslint/no-unused-expressions": "off" } },
  {
    files: TEST_TOOLS,
    rules: {
      "max-lines-per-function": "off",
      "no-restricted-globals": "off",
      "no-restricted-syntax": restrict(...everywhere, RESTRICTED.defaultExport),
    },
  },
  {
    files: SCRIPTS,
    rules: {
      "no-console": "off",
      "no-restricted-globals": "off",
      "no-restricted-syntax": restrict(...everywhere),
    },
  },
  // What a provider signs as, and where, is decided in one file of each; the others get what it gives out.
  {
    files: ["packages/storage/src/providers/*/**/*.ts"],
    ignores: [...TESTS, "**/credentials*.ts"],
    rules: {
      "no-restricted-syntax": restrict(
        ...everywhere,
        RESTRICTED.environment,
        RESTRICTED.environmentImport,
        RESTRICTED.defaultExport,
        RESTRICTED.platform,
      ),
    },
  },
  // These two talk to our own server, standalone to people too.
  { files: ["apps/standalone/**/*.ts"], rules: { "no-console": "off" } },
  {
    files: ["apps/{standalone,console}/**/*.{ts,tsx}"],
    rules: { "no-restricted-globals": "off" },
  },
  // Each process reads its environment once, in main.ts, and hands it to loadConfig.
  {
    files: ["apps/*/src/main.ts", "packages/config/**/*.ts"],
    rules: { "no-restricted-syntax": restrict(...everywhere, RESTRICTED.defaultExport) },
  },
  {
    files: ["**/*.mjs", "**/*.cjs"],
    extends: [tseslint.configs.disableTypeChecked],
    languageOptions: {
      globals: Object.fromEntries(NODE_GLOBALS.map((name) => [name, "readonly"])),
    },
  },
  // Served to browsers as they are.
  {
    files: ["apps/api/src/pages/assets/*.js"],
    languageOptions: {
      globals: Object.fromEntries(BROWSER_GLOBALS.map((name) => [name, "readonly"])),
    },
  },
  prettier,
);

import path from "node:path";
import { ESLint } from "eslint";
import { beforeAll, expect, it } from "vitest";

const ROOT = path.resolve(import.meta.dirname, "..");

/** One planted violation each, as a file of a package would hold it. */
const PLANTED = {
  "reads the environment": ["no-restricted-syntax", "export const a = process.env['HOME'];"],
  "imports the environment": [
    "no-restricted-syntax",
    "import { env } from 'node:process'; export const b = env;",
  ],
  "throws a plain error": [
    "no-restricted-syntax",
    "export const c = (): never => { throw new Error('x'); };",
  ],
  "builds a pattern": [
    "no-restricted-syntax",
    "export const d = (text: string): RegExp => new RegExp(text);",
  ],
  "catches without a name": [
    "no-restricted-syntax",
    "try { JSON.parse('1'); } catch { JSON.parse('2'); }",
  ],
  "swallows an error": [
    "no-restricted-syntax",
    "try { JSON.parse('1'); } catch (error) { /* nothing */ }",
  ],
  "exports a default": ["no-restricted-syntax", "export default 1;"],
  "reaches the network": ["no-restricted-globals", "export const e = fetch;"],
  "writes to the console": ["no-console", "console.log('x');"],
  "forgets to await": ["@typescript-eslint/no-floating-promises", "Promise.resolve(1);"],
  "uses any": ["@typescript-eslint/no-explicit-any", "export const f = (x: any): unknown => x;"],
  "asserts non-null": [
    "@typescript-eslint/no-non-null-assertion",
    "export const g = (x?: string): string => x!;",
  ],
  "takes five parameters": [
    "max-params",
    "export const h = (a: 1, b: 1, c: 1, d: 1, e: 1): number => a + b + c + d + e;",
  ],
  "has a function of 70 lines": [
    "max-lines-per-function",
    `export function i(): void {${"\n  void 0;".repeat(70)}\n}`,
  ],
  "has 401 lines": ["max-lines", "void 0;\n".repeat(401)],
} as const;

/** The same code, where it is wrong and where it is right. */
const BY_PLACE = [
  ["const url = (deps: { platform: string }) => deps.platform; url({ platform: '' });"],
  ["const url = ({ platform }: { platform: string }) => platform; url({ platform: '' });"],
] as const;
const PROVIDER = "packages/storage/src/providers/gcs";

const found = new Map<string, (string | null)[]>();

const eslint = new ESLint({ cwd: ROOT });

async function findRules(code: string, file: string): Promise<(string | null)[]> {
  // The name of a file that exists: rules with types need it to be part of the project.
  const results = await eslint.lintText(code, { filePath: path.join(ROOT, file) });
  return results.flatMap(({ messages }) => messages.map(({ ruleId }) => ruleId));
}

// Type-aware linting loads the whole project first.
beforeAll(async () => {
  for (const [name, [, code]] of Object.entries(PLANTED))
    found.set(name, await findRules(code, "packages/core/src/errors.ts"));
}, 60_000);

it.each(Object.entries(PLANTED))("finds a file that %s", (name, [rule]) => {
  expect(found.get(name)).toContain(rule);
});

it.each(BY_PLACE)("lets only the credentials of a provider read the platform: %s", async (code) => {
  expect(await findRules(code, `${PROVIDER}/index.ts`)).toContain("no-restricted-syntax");
  for (const file of ["credentials.ts", "credentials.test.ts"])
    expect(await findRules(code, `${PROVIDER}/${file}`)).not.toContain("no-restricted-syntax");
});

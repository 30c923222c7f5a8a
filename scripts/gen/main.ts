// Writes the documents that are made from code, or checks that they are fresh: node scripts/gen/main.ts [--check]
import fs from "node:fs";
import path from "node:path";
import { ROOT } from "../launcher/paths.mjs";
import { renderConfiguration, renderEnvExample } from "./configuration.ts";
import { renderErrors } from "./errors.ts";
import { renderProviders } from "./providers.ts";

interface GeneratedDocument {
  readonly file: string;
  readonly text: string;
}

const documents: readonly GeneratedDocument[] = [
  { file: "docs/errors.md", text: renderErrors() },
  { file: "docs/configuration.md", text: renderConfiguration() },
  { file: "docs/providers.md", text: await renderProviders() },
  { file: ".env.example", text: renderEnvExample() },
];
const problems = documents.flatMap(process.argv.includes("--check") ? findStale : write);
for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;

function findStale({ file, text }: GeneratedDocument): string[] {
  const full = path.join(ROOT, file);
  const isFresh = fs.existsSync(full) && fs.readFileSync(full, "utf8") === text;
  return isFresh ? [] : [`${file} is not what the code says; run npm run gen`];
}

function write({ file, text }: GeneratedDocument): string[] {
  fs.writeFileSync(path.join(ROOT, file), text);
  return [];
}

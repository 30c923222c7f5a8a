import { describeConfig, type VariableDescription } from "@bucketbridge/config";
import { code, toTable } from "./table.ts";

const INTRODUCTION = `# Configuration

Made from packages/config by \`npm run gen\`; do not edit.

Every process reads its environment once, when it starts, reports all problems together and ends with exit code 1 when
there is one. A blank variable counts as unset. A variable that begins with \`BUCKETBRIDGE_\` and is not listed here is a
problem too: a typo must not pass for a default.
`;

/** docs/configuration.md: every variable, by the part of the configuration that reads it. */
export function renderConfiguration(): string {
  const slices = Map.groupBy(describeConfig(), ({ slice }) => slice);
  const sections = [...slices].map(
    ([slice, variables]) =>
      `## ${slice}\n\n${toTable(["variable", "default", "meaning"], variables.map(toRow))}\n`,
  );
  return [INTRODUCTION, ...sections].join("\n");
}

function toRow(variable: VariableDescription): string[] {
  const { name, aliases, meaning, isSecret } = variable;
  const also = aliases.length === 0 ? "" : ` (also ${aliases.map(code).join(", ")})`;
  return [code(name) + also, defaultOf(variable), isSecret ? `${meaning} **(secret)**` : meaning];
}

function defaultOf(variable: VariableDescription): string {
  return variable.defaultText ?? (variable.default === undefined ? "–" : code(variable.default));
}

/** .env.example: the same variables, commented out with their defaults. */
export function renderEnvExample(): string {
  const head = [
    "# Made from packages/config by npm run gen; do not edit. docs/configuration.md has the same as tables.",
    "# What a process reads from its environment. docker-compose.yml takes secrets from .env: node scripts/make-env.mjs.",
  ];
  const slices = Map.groupBy(describeConfig(), ({ slice }) => slice);
  const blocks = [...slices].map(([slice, variables]) =>
    [`\n# --- ${slice}`, ...variables.map(toLines)].join("\n"),
  );
  return `${[...head, ...blocks].join("\n")}\n`;
}

function toLines(variable: VariableDescription): string {
  const note = variable.defaultText === undefined ? "" : ` (${variable.defaultText})`;
  return `# ${variable.meaning}${note}\n#${variable.name}=${variable.default ?? ""}`;
}

import fs from "node:fs";
import path from "node:path";
import ts from "typescript";
import { ROOT } from "../launcher/paths.mjs";

/** What the code says about one reason, wherever it gives it. */
export interface ReasonUse {
  readonly reason: string;
  readonly codes: readonly string[];
  /** The message of the error or the detail of a store's table, with … for what is filled in. */
  readonly says: string | undefined;
  readonly hint: string | undefined;
}

/** A reason is dotted, the part of the system first; dry runs have reasons of another kind. */
const REASON = /^[a-z0-9_]+\.[a-z0-9_]+$/;

/** Every reason that packages and apps give, by name. Errors and tables write it as a literal beside the code. */
export function collectReasons(): ReasonUse[] {
  const files = ["packages", "apps"].flatMap((folder) => listSources(path.join(ROOT, folder)));
  const uses = files.flatMap((file) => readUses(fs.readFileSync(file, "utf8")));
  const byReason = Map.groupBy(uses, ({ reason }) => reason);
  return [...byReason]
    .map(([reason, same]) => mergeUses(reason, same))
    .toSorted((a, b) => (a.reason < b.reason ? -1 : 1));
}

function mergeUses(reason: string, uses: readonly ReasonUse[]): ReasonUse {
  return {
    reason,
    codes: [...new Set(uses.flatMap(({ codes }) => codes))].toSorted(),
    says: uses.find(({ says }) => says !== undefined)?.says,
    hint: uses.find(({ hint }) => hint !== undefined)?.hint,
  };
}

function listSources(folder: string): string[] {
  return fs
    .readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter(
      (name) =>
        name.endsWith(".ts") &&
        !/\.(test|conformance)\.ts$|\/(test|testing|generated|node_modules)\//.test(name),
    )
    .map((name) => path.join(folder, name))
    .toSorted();
}

/** The object literals of one source text that have a `reason`. */
export function readUses(text: string): ReasonUse[] {
  if (!/reason: "[a-z0-9_]+\./.test(text)) return [];
  const uses: ReasonUse[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isObjectLiteralExpression(node)) uses.push(...readUse(node));
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile("source.ts", text, ts.ScriptTarget.Latest));
  return uses;
}

function readUse(node: ts.ObjectLiteralExpression): ReasonUse[] {
  const texts = new Map<string, string>();
  for (const property of node.properties) {
    if (!ts.isPropertyAssignment(property) || !ts.isIdentifier(property.name)) continue;
    const text = readText(property.initializer);
    if (text !== undefined) texts.set(property.name.text, text);
  }
  const reason = texts.get("reason") ?? "";
  if (!REASON.test(reason)) return [];
  const code = texts.get("code");
  return [
    {
      reason,
      codes: code === undefined ? [] : [code],
      says: texts.get("message") ?? texts.get("detail"),
      hint: texts.get("hint"),
    },
  ];
}

/** The text of a literal, a template or a sum of them; undefined for anything else. */
function readText(node: ts.Expression): string | undefined {
  if (ts.isStringLiteralLike(node)) return node.text;
  if (ts.isTemplateExpression(node)) {
    return [node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)].join("…");
  }
  if (!ts.isBinaryExpression(node) || node.operatorToken.kind !== ts.SyntaxKind.PlusToken)
    return undefined;
  const [left, right] = [readText(node.left), readText(node.right)];
  return left === undefined && right === undefined ? undefined : `${left ?? "…"}${right ?? "…"}`;
}

import { compareKeys } from "@bucketbridge/core";
import { toPretty, type ConvertedItem } from "./converted-items.ts";
import { dumpCompact, isDict, isPythonInt, PythonFloat, toPythonText } from "./python-values.ts";

/** Columns that are always there. */
const FIXED = ["annotator", "annotation_id", "created_at", "updated_at", "lead_time"];

/**
 * The bytes that `CSV` (separator `,`) and `TSV` (tab) have in label-studio-sdk 2.1. `open` gives the items anew each time: they
 * are gone through twice, once for the names of the columns.
 */
export async function* toTable(
  open: () => AsyncIterable<ConvertedItem>,
  separator: "," | "\t",
): AsyncGenerator<string, void, undefined> {
  const { columns, shared } = await findColumns(open());
  const line = (cells: readonly unknown[]): string =>
    `${cells.map((cell) => toCell(cell)).join(separator)}\r\n`;
  yield line(columns);
  for await (const item of open()) {
    const record = toRecord(item, shared);
    yield line(columns.map((column) => record.get(column) ?? null));
  }
}

interface Columns {
  readonly columns: readonly string[];
  /** Keys of data that are names of controls too: they get another name. */
  readonly shared: ReadonlySet<string>;
}

async function findColumns(items: AsyncIterable<ConvertedItem>): Promise<Columns> {
  const inputs = new Set<string>();
  const outputs = new Set<string>();
  const others = new Set(FIXED);
  for await (const item of items) {
    for (const name of Object.keys(item.input)) inputs.add(name);
    for (const [name, values] of item.output) {
      outputs.add(name);
      if (isChat(values)) others.add(`${name}_transcript`);
    }
    if (item.id !== null && item.id !== undefined) others.add("id");
    if ("agreement" in item) others.add("agreement");
    if (isTruthy(item.history)) others.add("history");
  }
  const shared = new Set([...inputs].filter((name) => outputs.has(name)));
  const names = [...inputs].map((name) => toInputColumn(name, shared));
  const columns = [...new Set([...names, ...outputs, ...others])].toSorted(compareKeys);
  return { columns, shared };
}

/** In the order of the original: what comes later replaces a cell of the same name. */
function toRecord(item: ConvertedItem, shared: ReadonlySet<string>): Map<string, unknown> {
  const record = new Map<string, unknown>();
  if (item.id !== null && item.id !== undefined) record.set("id", item.id);
  for (const [name, values] of item.output) {
    const pretty = toPretty(values);
    record.set(name, typeof pretty === "string" ? pretty : dumpCompact(pretty));
    if (isChat(values)) record.set(`${name}_transcript`, toTranscript(pretty));
  }
  for (const [name, value] of Object.entries(item.input)) {
    const isNested = isDict(value) || Array.isArray(value);
    record.set(toInputColumn(name, shared), isNested ? dumpCompact(value) : value);
  }
  record.set("annotator", toAnnotator(item.completedBy));
  record.set("annotation_id", item.annotationId);
  record.set("created_at", item.createdAt);
  record.set("updated_at", item.updatedAt);
  record.set("lead_time", item.leadTime);
  if ("agreement" in item) record.set("agreement", item.agreement);
  if (isTruthy(item.history)) record.set("history", dumpCompact(item.history));
  return record;
}

function toInputColumn(name: string, shared: ReadonlySet<string>): string {
  return shared.has(name) ? `_data_${name}` : name;
}

function isChat(values: readonly Readonly<Record<string, unknown>>[]): boolean {
  return values.some(({ type }) => type === "Chat" || type === "chatmessage");
}

function isTruthy(value: unknown): boolean {
  if (isDict(value)) return Object.keys(value).length > 0;
  return Array.isArray(value) ? value.length > 0 : Boolean(value);
}

/** `role: content`, a line for each message. */
function toTranscript(messages: unknown): string {
  if (!Array.isArray(messages)) return "";
  return messages
    .filter(isDict)
    .map((message) => {
      const [role, content] = [message["role"] ?? "", message["content"] ?? ""].map((value) =>
        typeof value === "string" ? value : dumpCompact(value),
      );
      if (role === "") return content;
      return content === "" ? `${String(role)}:` : `${String(role)}: ${String(content)}`;
    })
    .join("\n");
}

function toAnnotator(completedBy: unknown): unknown {
  if (isDict(completedBy)) return completedBy["email"] ?? null;
  return completedBy === null ? "None" : toPythonText(completedBy);
}

/** `csv.QUOTE_NONNUMERIC`: numbers and truth values as they are, everything else in quotes. */
function toCell(value: unknown): string {
  if (typeof value === "boolean") return value ? "True" : "False";
  if (isPythonInt(value) || value instanceof PythonFloat) return toPythonText(value);
  return `"${typeof value === "string" ? value.replaceAll('"', '""') : ""}"`;
}

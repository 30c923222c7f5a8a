import { toPretty, type ConvertedItem } from "./converted-items.ts";
import { dumpIndented, isDict, isPythonInt, toPythonText } from "./python-values.ts";

/** The bytes that `JSON_MIN` has in label-studio-sdk 2.1. */
export async function* toJsonMin(
  items: AsyncIterable<ConvertedItem>,
): AsyncGenerator<string, void, undefined> {
  let isFirst = true;
  yield "[\n";
  for await (const item of items) {
    yield `${isFirst ? "" : ",\n"}${dumpIndented(toRecord(item))}`;
    isFirst = false;
  }
  yield "\n]";
}

function toRecord(item: ConvertedItem): Record<string, unknown> {
  return {
    ...item.input,
    ...(item.id === null || item.id === undefined ? {} : { id: item.id }),
    ...Object.fromEntries([...item.output].map(([name, values]) => [name, toPretty(values)])),
    annotator: toAnnotator(item.completedBy),
    annotation_id: item.annotationId,
    created_at: item.createdAt,
    updated_at: item.updatedAt,
    lead_time: item.leadTime,
    ...("agreement" in item ? { agreement: item.agreement } : {}),
  };
}

/** The e-mail of a person, the id where that is all that is known. */
function toAnnotator(completedBy: unknown): unknown {
  if (isDict(completedBy)) return completedBy["email"] ?? null;
  if (isPythonInt(completedBy)) return completedBy;
  return completedBy === null ? "None" : toPythonText(completedBy);
}

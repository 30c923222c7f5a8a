import type { PredictionChanges } from "@bucketbridge/db";
import { FieldReader, isFields, type RawFields } from "../fields.ts";
import { findInvalidValue } from "../../json/invalid-value.ts";
import { toRegions } from "./region.ts";

const MAX_INT = 2 ** 31 - 1;
const MAX_VERSION_CHARS = 500;

/** The fields of a prediction that a caller may write. `labelConfig`: what a result that is a bare word is a region of. */
export function readPredictionFields(body: RawFields, labelConfig: string): PredictionChanges {
  const fields = new FieldReader(body);
  const result = readResult(fields, body["result"], labelConfig);
  const neighbors = fields.exactJson("neighbors");
  const changes = {
    resultJson: result === undefined ? undefined : JSON.stringify(result),
    score: fields.number("score"),
    modelVersion: fields.text("model_version", { maxLength: MAX_VERSION_CHARS }),
    cluster: fields.integer("cluster", { min: -MAX_INT, max: MAX_INT }),
    neighborsJson: neighbors === undefined ? undefined : JSON.stringify(neighbors),
    mislabeling: fields.number("mislabeling") ?? undefined,
  };
  fields.finish();
  return changes;
}

/** A list of regions; JSON of one in a string (of a form); or a value that becomes a region. */
function readResult(fields: FieldReader, raw: unknown, labelConfig: string): unknown {
  if (!isValue(raw)) return fields.exactJson("result");
  const invalid = findInvalidValue(raw, "result");
  if (invalid !== undefined) {
    fields.fail("result", `${invalid.path}: ${invalid.problem}`);
    return undefined;
  }
  const regions = toRegions(raw, labelConfig);
  if (regions === undefined)
    fields.fail("result", "The label config has no control tag that this value belongs to.");
  return regions;
}

function isValue(raw: unknown): raw is string | number | RawFields {
  return (typeof raw === "string" && !isList(raw)) || typeof raw === "number" || isFields(raw);
}

function isList(text: string): boolean {
  try {
    return Array.isArray(JSON.parse(text));
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

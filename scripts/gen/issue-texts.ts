import type { FileProblemCode, RowProblemCode } from "@bucketbridge/sync/formats";

/** What docs/errors.md says about the problem of a row or file. A new code does not compile without. */
const FORMAT_ISSUES: Readonly<Record<RowProblemCode | FileProblemCode, string>> = {
  annotation_invalid: "an annotation of the row has not the form of one",
  codec_unsupported: "the Parquet file is packed in a way that is not read here",
  corrupt_data: "the file is damaged, or not what its name says",
  data_missing: "the row has no data, or its data is no object",
  empty_file: "the file is empty",
  encoding_unsupported: "the file is not in UTF-8",
  file_too_large: "the file is larger than what is loaded",
  invalid_json: "the row is no JSON; the others go on",
  invalid_utf8: "the row is not in UTF-8; the others go on",
  not_an_object: "the row is JSON and no object",
  not_json: "the file is no JSON",
  number_out_of_range: "a number is larger than what can be stored",
  parse_limit: "the row or file is nested or built in a way that would take too much to read",
  prediction_invalid: "a prediction of the row has not the form of one",
  ratio_too_large: "the file grows beyond reason when it is unpacked",
  row_too_deep: "the row is nested too deeply",
  row_too_large: "the row is larger than what is loaded",
  unstorable_text: "a text holds U+0000 or half of a surrogate pair",
  value_unsupported: "a value is of a type that has no JSON",
};

/** Problems of whole objects, found from the listing or from how loads ended. */
const OBJECT_ISSUES: Readonly<Record<string, string>> = {
  key_not_text: "the key holds characters that cannot be stored: rename the object",
  key_not_utf8: "the name of the file is not UTF-8: rename it",
  key_too_long: "the key is longer than what can be stored: rename the object",
  not_a_task_file: "the tasks method reads JSON, JSONL and Parquet; media want the files method",
  object_too_large: "the object is larger than what is loaded: split the file",
  poison:
    "the worker died three times while it loaded this object; it is not tried again by itself",
};

/** Every code that an issue can have beside the error codes, by name. */
export function listIssueTexts(): readonly (readonly [code: string, meaning: string])[] {
  const all = { ...FORMAT_ISSUES, ...OBJECT_ISSUES };
  return Object.entries(all).toSorted(([a], [b]) => (a < b ? -1 : 1));
}

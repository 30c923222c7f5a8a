import { expect, test } from "vitest";
import { ISSUE_COLUMNS, type IssueView } from "@bucketbridge/contracts";
import { toCsvHeader, toCsvLine } from "./csv.ts";

const issue: IssueView = {
  id: 9,
  storageId: 5,
  runId: 17,
  key: "a.json",
  rowIndex: null,
  byteOffset: 12,
  code: "invalid_json",
  message: "unexpected end",
  open: true,
  firstSeenAt: "2026-11-23T22:49:21.813Z",
  lastSeenAt: "2026-11-23T22:49:21.813Z",
  resolvedAt: null,
};

test("writes one line per issue under the header's columns", () => {
  expect(toCsvHeader(ISSUE_COLUMNS)).toBe(
    "id,storageId,runId,key,rowIndex,byteOffset,code,message,open,firstSeenAt,lastSeenAt,resolvedAt\r\n",
  );
  expect(toCsvLine(ISSUE_COLUMNS, issue)).toBe(
    "9,5,17,a.json,,12,invalid_json,unexpected end,true,2026-11-23T22:49:21.813Z,2026-11-23T22:49:21.813Z,\r\n",
  );
});

test.each(["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\r=1"])("defuses %j as a formula", (key) => {
  const cell = toCsvLine(ISSUE_COLUMNS, { ...issue, key }).slice("9,5,17,".length);
  expect(cell.replace(/^"/, "").startsWith("'")).toBe(true);
});

test("quotes commas, quotes and line breaks", () => {
  expect(toCsvLine(ISSUE_COLUMNS, { ...issue, key: 'a,"b"\nc' })).toContain('"a,""b""\nc"');
});

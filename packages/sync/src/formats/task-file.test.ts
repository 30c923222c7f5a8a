import { describe, expect, it } from "vitest";
import { extensionFailure, isTaskFileKey, notJsonFailure, toTaskFileKind } from "./task-file.ts";

describe("task files", () => {
  it.each([
    "a.json",
    "a.JSONL",
    "x/y.ndjson",
    "x.y/z.Parquet",
    "noext",
    "dir.png/noext",
    ".hidden",
    "..json",
    "a.",
    "ключ.json",
  ])("takes %j by its name", (key) => {
    expect(isTaskFileKey(key)).toBe(true);
    expect(extensionFailure(key)).toBeUndefined();
  });

  it.each(["a.jpg", "a.json.gz", "a.jsonx", "a.csv", "x/.json.png"])(
    "refuses %j by its name",
    (key) => {
      expect(isTaskFileKey(key)).toBe(false);
      expect(extensionFailure(key)).toBe(
        `File "${key}" is not a JSON/JSONL/Parquet file. Only .json, .jsonl, and .parquet files can be processed.\n` +
          `If you're trying to import non-JSON data (images, audio, text, etc.), edit storage settings and enable "Files" import method`,
      );
    },
  );

  it("names the method that would have worked", () => {
    expect(notJsonFailure("a/b.json")).toBe(
      `Can't import JSON-formatted tasks from a/b.json. If you're trying to import binary objects, perhaps you forgot to enable "Files" import method?`,
    );
  });

  it("reads Parquet by name and everything else by content", () => {
    expect(toTaskFileKind("a.PARQUET")).toBe("parquet");
    expect(toTaskFileKind("a.json")).toBe("json");
    expect(toTaskFileKind("parquet")).toBe("json");
  });
});

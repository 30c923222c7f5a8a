import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { resolveLocalFiles } from "./local-files.ts";

describe("resolveLocalFiles", () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), "local-files-"));
  });
  afterEach(() => {
    rmSync(directory, { recursive: true });
  });

  it("is off without a root and without a well-known folder", () => {
    expect(resolveLocalFiles({}, directory)).toEqual({
      documentRoot: undefined,
      servingEnabled: false,
    });
  });

  it.each(["mydata", "label-studio-data"])("finds %s and serves it", (name) => {
    mkdirSync(path.join(directory, name));
    expect(resolveLocalFiles({}, directory)).toEqual({
      documentRoot: path.join(directory, name),
      servingEnabled: true,
    });
  });

  it("prefers mydata", () => {
    mkdirSync(path.join(directory, "label-studio-data"));
    mkdirSync(path.join(directory, "mydata"));
    expect(resolveLocalFiles({}, directory).documentRoot).toBe(path.join(directory, "mydata"));
  });

  it("passes over a file of that name", () => {
    writeFileSync(path.join(directory, "mydata"), "");
    expect(resolveLocalFiles({}, directory).documentRoot).toBeUndefined();
  });

  it("does not search when the environment names a root or says whether files are served", () => {
    mkdirSync(path.join(directory, "mydata"));
    expect(resolveLocalFiles({ documentRoot: "/srv/data" }, directory)).toEqual({
      documentRoot: "/srv/data",
      servingEnabled: false,
    });
    expect(resolveLocalFiles({ servingEnabled: true }, directory)).toEqual({
      documentRoot: undefined,
      servingEnabled: true,
    });
  });
});

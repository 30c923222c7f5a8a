import { describe, expect, it } from "vitest";
import { changedLocation, requiresSecretsAgain } from "../location.ts";
import { localfilesProvider } from "./index.ts";
import { localfilesSettings, toAbsolutePath, toKey, toQuotedPath } from "./settings.ts";

const parse = (path: unknown) => localfilesSettings.parse({ path }).path;

describe("the path of local files", () => {
  it.each([
    [" /data/set ", "/data/set"],
    ["/data/set/", "/data/set"],
    ["/data//set/./a/../b///", "/data/set/b"],
    ["\\data\\set\\", "/data/set"],
    ["/", "/"],
    ["", ""],
    ["   ", ""],
    [null, ""],
    [undefined, ""],
  ])("%j is stored as %j", (given, stored) => {
    expect(parse(given)).toBe(stored);
  });

  it.each(["/data/\u0000x", "x".repeat(5_000), 5])("refuses %j", (given) => {
    expect(localfilesSettings.safeParse({ path: given }).success).toBe(false);
  });

  it("is its location, and no host that gets secrets", () => {
    const change = [{ path: "/a" }, { path: "/b" }] as const;
    expect(changedLocation(localfilesProvider, ...change)).toBe(true);
    expect(requiresSecretsAgain(localfilesProvider, ...change)).toBe(false);
  });
});

describe("keys of local files", () => {
  const settings = { path: "/data/root/set" };

  it("are shown as absolute paths and found again", () => {
    for (const key of ["a.jpg", "sub/b c.jpg", "ü/汉.png"]) {
      expect(toAbsolutePath(settings, key)).toBe(`/data/root/set/${key}`);
      expect(toKey(settings, `/data/root/set/${key}`)).toBe(key);
    }
  });

  it("name the file itself when the storage is one file", () => {
    const file = { path: "/data/root/set/cats.json" };
    expect(toAbsolutePath(file, "./cats.json")).toBe("/data/root/set/cats.json");
    expect(toKey(file, "/data/root/set/cats.json")).toBe("./cats.json");
  });

  it.each(["/data/root/set-private/a.jpg", "/data/root/a.jpg", "/data/root/set/../a.jpg", "/", ""])(
    "do not reach %j",
    (path) => {
      expect(toKey(settings, path)).toBeUndefined();
    },
  );

  it("are matched by their last part", () => {
    expect(localfilesProvider.filterName?.("sub/b c.jpg")).toBe("b c.jpg");
  });

  it("become references below the document root, quoted as Python does", () => {
    const policy = { documentRoot: "/data/root", servingEnabled: true };
    const reference = (key: string) =>
      localfilesProvider.referencePrefix(settings) +
      (localfilesProvider.toReference?.(settings, key, policy) ?? "");
    expect(reference("a b/c+d&e.jpg")).toBe("/data/local-files/?d=set/a%20b/c%2Bd%26e.jpg");
    // Output of urllib.parse.quote for the same path.
    expect(toQuotedPath("/data/root/set/!'()*~_.-%#?é", "/data/root")).toBe(
      "set/%21%27%28%29%2A~_.-%25%23%3F%C3%A9",
    );
  });
});

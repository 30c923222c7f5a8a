import { mkdir, readdir, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { ObjectStore } from "../../object-store.ts";
import { calm, toBytes } from "../../testing/case.ts";
import { makeTemporaryFolder } from "../../testing/temporary-folder.ts";
import { LocalFilesDriver } from "./driver.ts";
import { makeTemporaryName } from "./temporary-files.ts";

test("what crashed writers left is never listed, and goes with the next put once it is old", async () => {
  const temporary = await makeTemporaryFolder();
  const root = path.join(temporary.path, "out");
  const folder = path.join(root, "dir");
  await mkdir(folder, { recursive: true });
  const [old, young] = [makeTemporaryName(), makeTemporaryName()];
  const long = Date.now() / 1_000 - 7_200;
  for (const name of [old, young, ".bucketbridge-notes.tmp", "kept.json"])
    await writeFile(path.join(folder, name), "half");
  for (const name of [old, ".bucketbridge-notes.tmp", "kept.json"])
    await utimes(path.join(folder, name), long, long);
  const policy = { documentRoot: temporary.path, servingEnabled: true };
  const store = new ObjectStore(new LocalFilesDriver({ path: root }, policy), {
    provider: "localfiles",
    place: root,
  });
  const keys = async (): Promise<readonly string[]> => {
    const listed: string[] = [];
    for await (const page of store.pages({}, calm)) listed.push(...page.keys);
    return listed;
  };
  expect(await keys()).toEqual(["dir/.bucketbridge-notes.tmp", "dir/kept.json"]);
  await store.put({ key: "dir/1", body: toBytes("{}") }, calm);
  expect((await readdir(folder)).sort()).toEqual(
    [young, ".bucketbridge-notes.tmp", "1", "kept.json"].sort(),
  );
  await temporary.remove();
});

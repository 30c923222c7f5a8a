import { mkdir, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { isAppError } from "@bucketbridge/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ObjectStore } from "../../object-store.ts";
import { calm } from "../../testing/case.ts";
import { makeTemporaryFolder } from "../../testing/temporary-folder.ts";
import type { LocalFilesPolicy } from "../provider-deps.ts";
import { LocalFilesDriver } from "./driver.ts";
import { makeProviderDeps, makeStorageContext } from "../../testing/provider-deps.ts";
import { localfilesProvider } from "./index.ts";

let folder: Awaited<ReturnType<typeof makeTemporaryFolder>>;
let root: string;
let served: LocalFilesPolicy;

beforeAll(async () => {
  folder = await makeTemporaryFolder();
  root = path.join(folder.path, "root");
  served = { documentRoot: root, servingEnabled: true };
  for (const name of ["root/set", "root-private", "outside/deep"]) {
    await mkdir(path.join(folder.path, name), { recursive: true });
  }
  await writeFile(path.join(root, "set", "a.json"), "{}");
  await symlink(path.join(folder.path, "outside"), path.join(root, "way-out"));
  await symlink(path.join(root, "set"), path.join(root, "way-in"));
  await symlink(root, path.join(folder.path, "root-link"));
});
afterAll(async () => {
  await folder.remove();
});

/** The sentence of a refused check, "" when it passes. */
async function check(where: string, policy: LocalFilesPolicy = served): Promise<string> {
  const settings = localfilesProvider.settings.parse({ path: where });
  const driver = new LocalFilesDriver(settings, policy);
  try {
    await localfilesProvider.validate(driver, settings, {
      direction: "source",
      prefix: "",
      signal: calm.signal,
    });
    return "";
  } catch (error) {
    if (!isAppError(error)) throw error;
    return error.message;
  }
}

describe("the check of a local path", () => {
  it("passes for a folder and for a file inside of the document root", async () => {
    expect(await check(path.join(root, "set"))).toBe("");
    expect(await check(path.join(root, "set", "a.json"))).toBe("");
    expect(await check(path.join(root, "way-in"))).toBe("");
  });

  it("asks for a path first", async () => {
    expect(await check(" ", { documentRoot: undefined, servingEnabled: false })).toBe(
      "Path must be set for Local Files storage",
    );
  });

  it("then for one that exists", async () => {
    const missing = path.join(root, "nope");
    const off = { documentRoot: root, servingEnabled: false };
    expect(await check(missing, off)).toBe(`Absolute local path "${missing}" does not exist`);
    expect(await check("set", off)).toBe('Absolute local path "set" does not exist');
  });

  it("then for one that is not the document root", async () => {
    const sentence = (wanted: string) =>
      `Absolute local path "${wanted}" cannot be the same as LOCAL_FILES_DOCUMENT_ROOT="${root}" by security reasons. ` +
      `Please add a subdirectory. For example: "${root}/dataset1".`;
    expect(await check(root, { documentRoot: root, servingEnabled: false })).toBe(sentence(root));
    expect(await check(`${root}/`)).toBe(sentence(root));
    expect(await check(path.join(folder.path, "root-link"))).toBe(
      sentence(path.join(folder.path, "root-link")),
    );
  });

  it("then for one inside of it, by whole names and behind links", async () => {
    const sentence = (wanted: string) =>
      `Absolute local path "${wanted}" must be a subdirectory of LOCAL_FILES_DOCUMENT_ROOT="${root}" by security reasons. ` +
      `For example: "${root}/dataset1".`;
    for (const name of ["outside", "root-private", "outside/deep", "."]) {
      const wanted = path.join(folder.path, name);
      expect(await check(wanted, { documentRoot: root, servingEnabled: false })).toBe(
        sentence(wanted),
      );
    }
    expect(await check("/")).toBe(sentence("/"));
    const link = path.join(root, "way-out");
    expect(await check(link)).toBe(`${sentence(link)} The path is a link that leads out of it.`);
    const behind = path.join(root, "way-out", "deep");
    expect(await check(behind)).toBe(
      `${sentence(behind)} The path is a link that leads out of it.`,
    );
  });

  it.each([
    { servingEnabled: false, hasRoot: true },
    { servingEnabled: true, hasRoot: false },
    { servingEnabled: false, hasRoot: false },
  ])("last for serving to be enabled: %j", async ({ servingEnabled, hasRoot }) => {
    const text = await check(path.join(root, "set"), {
      documentRoot: hasRoot ? root : undefined,
      servingEnabled,
    });
    expect(text).toBe(
      "Serving local files from the host filesystem can be a security risk, so LOCAL_FILES_SERVING_ENABLED is disabled by default. " +
        'To enable Local Files storage, set the LOCAL_FILES_SERVING_ENABLED environment variable to "true" and restart Label Studio. ' +
        "See https://labelstud.io/guide/storage.html#Local-storage for details.\n\n " +
        'Community tip: create a "mydata" or "label-studio-data" directory next to the Label Studio command to auto-enable ' +
        "LOCAL_FILES_DOCUMENT_ROOT when the environment variables are unset.",
    );
  });

  it("is repeated by every call, so that a narrower policy counts at once", async () => {
    const settings = { path: path.join(root, "set") };
    const deps = makeProviderDeps(undefined as never, {
      localFiles: { documentRoot: undefined, servingEnabled: true },
    });
    const driver = await localfilesProvider.open(settings, deps, makeStorageContext());
    const store = new ObjectStore(driver, { provider: "localfiles", place: settings.path });
    const calls = [
      store.pages({}, calm).next(),
      store.stat("a.json", calm),
      store.read("a.json", {}, calm),
      store.put({ key: "b", body: new Uint8Array() }, calm),
      store.delete("a.json", calm),
    ];
    for (const result of await Promise.allSettled(calls)) {
      expect(result).toMatchObject({
        status: "rejected",
        reason: { code: "invalid_config", reason: "localfiles.serving_disabled" },
      });
    }
  });
});

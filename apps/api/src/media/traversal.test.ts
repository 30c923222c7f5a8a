import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { isAppError } from "@bucketbridge/core";
import { ObjectStore } from "@bucketbridge/storage";
import { createEgress } from "@bucketbridge/storage/egress";
import { loadProvider } from "@bucketbridge/storage/providers";
import { collectBody, makeProviderDeps, makeStorageContext } from "@bucketbridge/storage/testing";
import { hasReference, ReferenceSources } from "@bucketbridge/sync";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { hostilePaths } from "../../test/fixtures/hostile-paths.ts";
import { toUploadKey } from "../uploads/file-keys.ts";
import { toUploadName } from "../uploads/upload-name.ts";
import { decodeFileUri, encodeFileUri } from "./file-uri.ts";
import { toLocalPath } from "./local-files/local-path.ts";

const CASES = { numRuns: 10_000 };
const { signal } = new AbortController();

describe("whatever is asked for", () => {
  const folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "bucketbridge-fuzz-")));
  const root = path.join(folder, "root");
  const inside = path.join(root, "ds");
  // Each file says where it lies.
  for (const name of [
    ...["root/ds/a.txt", "root/ds/sub/a.txt", "root/ds/ds/a.txt", "root/ds/etc/passwd"],
    ...["root/ds-private/secret.txt", "root/ds-private/a.txt", "root/outside.txt", "root/a.txt"],
    ...["outside.txt", "a.txt", "etc/passwd", "ds/a.txt"],
  ]) {
    const file = path.join(folder, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, file);
  }
  fs.symlinkSync(folder, path.join(inside, "link"));
  fs.symlinkSync(path.join(root, "outside.txt"), path.join(inside, "linked.txt"));
  fs.symlinkSync("..", path.join(inside, "sub", "link"));
  const egress = createEgress({ allow: [], denied: [] });
  afterAll(async () => {
    await egress.close();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  async function openStore() {
    const definition = await loadProvider("localfiles");
    const settings = definition.settings.parse({ path: inside });
    const localFiles = { documentRoot: root, servingEnabled: true };
    const deps = makeProviderDeps(egress, { localFiles });
    const driver = await definition.open(settings, deps, makeStorageContext());
    const store = new ObjectStore(driver, { provider: "localfiles", place: inside });
    return { store, toKey: (wanted: string) => definition.fromDisplayKey?.(settings, wanted) };
  }

  async function readIfThere(store: ObjectStore, key: string): Promise<string | undefined> {
    try {
      const { body } = await store.read(key, {}, { signal });
      return Buffer.from(await collectBody(body)).toString();
    } catch (error) {
      if (isAppError(error)) return undefined;
      throw error;
    }
  }

  it("as d= or as a key, a local file that is read lies below the folder of its storage", async () => {
    const { store, toKey } = await openStore();
    let served = 0;
    const check = async (key: string | undefined): Promise<void> => {
      const text = key === undefined ? undefined : await readIfThere(store, key);
      if (text === undefined) return;
      served++;
      expect(text.startsWith(inside + path.sep), text).toBe(true);
    };
    await fc.assert(
      fc.asyncProperty(hostilePaths, async (asked) => {
        const wanted = toLocalPath(root, asked);
        if (wanted !== undefined) expect(wanted.startsWith(root + path.sep)).toBe(true);
        await check(wanted === undefined ? undefined : toKey(wanted));
        await check(asked);
      }),
      CASES,
    );
    // A test that serves nothing proves nothing.
    expect(served).toBeGreaterThan(100);
    await store.close();
  });

  it("as fileuri, what is found is the bucket and, with a boundary, the prefix of a source", () => {
    const sources = new ReferenceSources([
      { storageId: 1, referencePrefix: "s3://cats/", prefix: "img/", isPrefixBoundary: true },
      { storageId: 2, referencePrefix: "s3://dogs/", prefix: "", isPrefixBoundary: false },
    ]);
    const starts = [
      "s3://cats/",
      "s3://cats/img/",
      "s3://cats",
      "s3://dogs/",
      "s3://",
      "gs://cats/",
      "",
    ];
    const forms = [encodeFileUri, encodeURIComponent, (text: string) => text];
    let found = 0;
    fc.assert(
      fc.property(
        fc.constantFrom(...starts),
        hostilePaths,
        fc.constantFrom(...forms),
        (start, tail, encode) => {
          if (!tail.isWellFormed()) return;
          const reference = decodeFileUri(encode(start + tail));
          const resolved = reference === undefined ? undefined : sources.resolve(reference, null);
          if (reference === undefined || resolved === undefined) return;
          found++;
          const { storageId, key } = resolved;
          expect(`${storageId === 1 ? "s3://cats/" : "s3://dogs/"}${key}`).toBe(reference);
          if (storageId === 1) expect(key.startsWith("img/")).toBe(true);
          const others = {
            a: `${reference}x`,
            b: reference.slice(0, -1),
            c: "s3://cats/img/other",
          };
          expect(hasReference(others, sources.prefixes, reference)).toBe(false);
        },
      ),
      CASES,
    );
    expect(found).toBeGreaterThan(100);
  });

  it("as a name of an upload, its key is one name below the folder of its project", () => {
    fc.assert(
      fc.property(hostilePaths, fc.integer({ min: 1, max: 2 ** 31 - 1 }), (given, project) => {
        const key = toUploadKey(project, toUploadName(given));
        expect(key).toMatch(/^upload\/\d+\/[0-9a-f]{8}-[\p{L}\p{M}\p{N}_-][\p{L}\p{M}\p{N}_.-]*$/u);
        expect(path.posix.normalize(key)).toBe(key);
      }),
      CASES,
    );
  });
});

import { execFileSync } from "node:child_process";
import {
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import path from "node:path";
import { isAppError } from "@bucketbridge/core";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { collectBody } from "../../body.ts";
import { ObjectStore } from "../../object-store.ts";
import { calm, toBytes } from "../../testing/case.ts";
import { HAS_PROC_FD, makeTemporaryFolder } from "../../testing/temporary-folder.ts";
import { FileAccess } from "./client.ts";
import { LocalFilesDriver } from "./driver.ts";

let folder: Awaited<ReturnType<typeof makeTemporaryFolder>>;
let root: string;

/** `<folder>/root/set` is the storage; everything else is none of its business. */
beforeAll(async () => {
  folder = await makeTemporaryFolder();
  root = path.join(folder.path, "root", "set");
});
beforeEach(async () => {
  await rm(folder.path, { recursive: true, force: true });
  for (const name of ["root/set/sub", "root/set-private", "outside", "outside/sub"]) {
    await mkdir(path.join(folder.path, name), { recursive: true });
    await writeFile(path.join(folder.path, name, "secret.txt"), "SECRET");
  }
  await rm(path.join(root, "sub", "secret.txt"));
  await rm(path.join(root, "secret.txt"), { force: true });
  await writeFile(path.join(root, "fine.txt"), "fine");
});
afterAll(async () => {
  await folder.remove();
});

/** By descriptor where the system can; and by path, as everywhere else. */
const WAYS = HAS_PROC_FD ? [true, false] : [false];

function aStore(hasProcFd = HAS_PROC_FD): ObjectStore {
  const policy = { documentRoot: path.join(folder.path, "root"), servingEnabled: true };
  const driver = new LocalFilesDriver({ path: root }, policy, new FileAccess(hasProcFd));
  return new ObjectStore(driver, { provider: "localfiles", place: root });
}

async function read(store: ObjectStore, key: string): Promise<string> {
  const { body } = await store.read(key, {}, calm);
  return Buffer.from(await collectBody(body)).toString();
}

async function outcome(call: Promise<unknown>): Promise<string> {
  try {
    return String(await call);
  } catch (error) {
    if (!isAppError(error)) throw error;
    return error.code;
  }
}

/** Every file of the folder outside of the storage, with its content. */
async function outsideFiles(): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const entry of await readdir(folder.path, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    if (entry.isFile() && !file.startsWith(`${root}/`)) files[file] = await readFile(file, "utf8");
  }
  return files;
}

const HOSTILE_KEYS = [
  "../../outside/secret.txt",
  "../set-private/secret.txt",
  "..",
  ".",
  "sub/../../set-private/secret.txt",
  "sub/./../../set-private/secret.txt",
  "/etc/passwd",
  "//etc/passwd",
  "/",
  "sub//x",
  "sub/",
  "./fine.txt",
  "sub/..",
  "..\\..\\outside\\secret.txt",
  "..%2f..%2foutside%2fsecret.txt",
  "%2e%2e/%2e%2e/outside/secret.txt",
  "%252e%252e%252foutside",
  "....//....//outside/secret.txt",
  "..;/outside/secret.txt",
  "\uFF0E\uFF0E/\uFF0E\uFF0E/outside/secret.txt",
  "\u2025/outside/secret.txt",
  "..\u0000/outside/secret.txt",
  "fine.txt\u0000.jpg",
  "C:\\Windows\\win.ini",
  "C:/Windows/win.ini",
  "\\\\server\\share\\x",
  "CON",
  "nul.txt",
  "~/x",
  "~root/.ssh/id_rsa",
  "$HOME/x",
  "-rf",
  "file:///etc/passwd",
  "proc/self/environ",
  "/proc/self/root/etc/passwd",
  "\u202Egnp.exe",
  "a\r\nSet-Cookie: x",
  "\u0001\u001b[31m",
  "x".repeat(256),
  `${"d/".repeat(300)}x`,
  "k".repeat(5_000),
  "\ud800",
] as const;

describe("hostile keys", () => {
  it.each(WAYS)("read nothing outside of the storage (by descriptor: %s)", async (hasProcFd) => {
    const store = aStore(hasProcFd);
    for (const key of HOSTILE_KEYS) {
      const result = await outcome(read(store, key));
      expect(["not_found", "invalid_input"], `${JSON.stringify(key)} gave ${result}`).toContain(
        result,
      );
      expect(["not_found", "invalid_input"]).toContain(await outcome(store.stat(key, calm)));
    }
  });

  it.each(WAYS)("change nothing outside of the storage (by descriptor: %s)", async (hasProcFd) => {
    const store = aStore(hasProcFd);
    const before = await outsideFiles();
    for (const key of HOSTILE_KEYS) {
      await outcome(store.put({ key, body: toBytes("OWNED") }, calm));
      await outcome(
        store.put({ key, body: toBytes("OWNED"), condition: { kind: "absent" } }, calm),
      );
      await outcome(store.delete(key, calm));
    }
    expect(await outsideFiles()).toEqual(before);
    expect(await readFile(path.join(root, "fine.txt"), "utf8")).toBe("fine");
    expect(
      (await readdir(root, { recursive: true })).filter((name) => name.endsWith(".tmp")),
    ).toEqual([]);
  });

  it("stay inside, whatever they are put together from", async () => {
    const part = fc.constantFrom(
      "..",
      ".",
      "",
      "sub",
      "set-private",
      "outside",
      "secret.txt",
      "fine.txt",
      "%2e%2e",
      "\\",
      "..\\",
      "\u0000",
      " ",
      "é",
    );
    const joint = fc.constantFrom("/", "//", "\\", "%2f", "");
    const key = fc
      .array(fc.tuple(part, joint), { minLength: 1, maxLength: 7 })
      .map((pairs) => pairs.map(([text, glue]) => text + glue).join(""));
    const store = aStore();
    const before = await outsideFiles();
    await fc.assert(
      fc.asyncProperty(key, async (candidate) => {
        expect(await outcome(read(store, candidate))).not.toContain("SECRET");
        await outcome(store.put({ key: candidate, body: toBytes("x") }, calm));
        await outcome(store.delete(candidate, calm));
      }),
      { numRuns: 300 },
    );
    expect(await outsideFiles()).toEqual(before);
  });
});

describe("links", () => {
  beforeEach(async () => {
    await symlink(path.join(folder.path, "outside", "secret.txt"), path.join(root, "file-link"));
    await symlink(path.join(folder.path, "outside"), path.join(root, "folder-link"));
    await symlink("..", path.join(root, "parent-link"));
    await symlink("../set-private", path.join(root, "sibling-link"));
    await symlink("/proc/self", path.join(root, "proc-link"));
    await symlink(path.join(root, "fine.txt"), path.join(root, "inner-link"));
    await symlink("loop-b", path.join(root, "loop-a"));
    await symlink("loop-a", path.join(root, "loop-b"));
  });

  const LINKED_KEYS = [
    "file-link",
    "folder-link/secret.txt",
    "folder-link/sub/secret.txt",
    "parent-link/set-private/secret.txt",
    "sibling-link/secret.txt",
    "proc-link/environ",
    "proc-link/root/etc/passwd",
    "inner-link",
    "loop-a",
    "loop-a/x",
    "folder-link/missing",
    "folder-link/missing/deep.txt",
  ];

  it.each(WAYS)("are not followed to read (by descriptor: %s)", async (hasProcFd) => {
    const store = aStore(hasProcFd);
    for (const key of LINKED_KEYS) {
      expect(await outcome(read(store, key)), key).toBe("permission_denied");
      expect(await outcome(store.stat(key, calm)), key).toBe("permission_denied");
    }
    const error: unknown = await store.stat("file-link", calm).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ reason: "localfiles.link" });
  });

  it.each(WAYS)("are not followed to write or delete (by descriptor: %s)", async (hasProcFd) => {
    const store = aStore(hasProcFd);
    const before = await outsideFiles();
    for (const key of LINKED_KEYS.filter((name) => name.includes("/"))) {
      expect(await outcome(store.put({ key, body: toBytes("OWNED") }, calm)), key).toBe(
        "permission_denied",
      );
      expect(await outcome(store.delete(key, calm)), key).toBe("permission_denied");
    }
    // A put replaces a link that has the name, a deletion leaves it: neither touches what it points to.
    expect(await outcome(store.delete("file-link", calm))).toBe("undefined");
    expect(await readlink(path.join(root, "file-link"))).toContain("outside");
    await store.put({ key: "file-link", body: toBytes("mine") }, calm);
    expect(await read(store, "file-link")).toBe("mine");
    expect(
      await outcome(
        store.put({ key: "inner-link", body: toBytes("x"), condition: { kind: "absent" } }, calm),
      ),
    ).toBe("already_exists");
    expect(await outsideFiles()).toEqual(before);
  });

  // Without descriptors a swap can be seen too late: then nothing but the policy of the folder helps.
  it.skipIf(!HAS_PROC_FD)(
    "are not followed when they appear between the check and the call",
    { timeout: 30_000 },
    async () => {
      const store = aStore();
      const before = await outsideFiles();
      const swap = path.join(root, "swap");
      await mkdir(path.join(root, "real"));
      await writeFile(path.join(root, "real", "secret.txt"), "mine");
      await rename(path.join(root, "real"), swap);
      const race = { isOver: false };
      // A put makes the missing folder anew in a gap, so each step may fail: the next round mends it.
      const step = (work: Promise<unknown>): Promise<unknown> => work.catch(() => undefined);
      const swapping = (async () => {
        while (!race.isOver) {
          await step(rename(swap, path.join(root, "away")));
          await step(rm(swap, { recursive: true, force: true }));
          await step(symlink(path.join(folder.path, "outside"), swap));
          await step(rm(swap, { recursive: true, force: true }));
          await step(rename(path.join(root, "away"), swap));
          // Long enough for a whole read now and then.
          for (let turn = 0; turn < 10; turn++)
            await new Promise((resolve) => setImmediate(resolve));
        }
      })();
      const seen = new Set<string>();
      for (let turn = 0; turn < 300; turn++) {
        seen.add(await outcome(read(store, "swap/secret.txt")));
        for await (const page of store.pages({}, calm)) {
          expect(page.keys.filter((key) => key.startsWith("swap/sub"))).toEqual([]);
        }
        // Writes are flushed to the disk, so fewer of them.
        if (turn % 10 > 0) continue;
        await outcome(store.put({ key: "swap/new.txt", body: toBytes("mine") }, calm));
        await outcome(store.delete("swap/new.txt", calm));
      }
      race.isOver = true;
      await swapping;
      expect(seen).not.toContain("SECRET");
      expect(seen).toContain("mine");
      expect(await outsideFiles()).toEqual(before);
    },
  );
});

describe("what is no regular file", () => {
  it("is not opened, and does not block", async () => {
    execFileSync("mkfifo", [path.join(root, "fifo")]);
    const store = aStore();
    for (const key of ["fifo", "sub"]) {
      expect(await outcome(read(store, key)), key).toBe("not_found");
      expect(await outcome(store.delete(key, calm)), key).toBe("undefined");
    }
    expect(await outcome(store.put({ key: "sub", body: toBytes("x") }, calm))).toBe(
      "invalid_input",
    );
    expect(await outcome(store.put({ key: "fine.txt/below", body: toBytes("x") }, calm))).toBe(
      "invalid_input",
    );
    expect((await readdir(root)).sort()).toEqual(["fifo", "fine.txt", "sub"]);
  });
});

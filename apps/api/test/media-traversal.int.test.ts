import path from "node:path";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { encodeFileUri } from "../src/media/file-uri.ts";
import { hostilePaths } from "./fixtures/hostile-paths.ts";
import { useLocalStores } from "./fixtures/local-stores.ts";
import { useMediaProject } from "./fixtures/media-project.ts";
import { useApi } from "./harness.ts";

const SAMPLE = { numRuns: 60 };
const TIMEOUT_MS = 120_000;

describe("hostile paths over HTTP", () => {
  const stores = useLocalStores(["loopback"]);
  const api = useApi("api_media_traversal", stores.change);
  const media = useMediaProject(api, { prefix: "img", presign: false, restrict_to_prefix: true });
  const inside = path.join(stores.root, "ds");

  beforeAll(() => {
    for (const name of ["ds/a.txt", "ds/sub/a.txt", "ds-private/a.txt", "outside.txt", "a.txt"])
      stores.write(name, path.join(stores.root, name));
  });

  it(
    "give only files below the folder of a connected storage",
    async () => {
      const { id, post } = media();
      await post("/api/storages/localfiles/", { project: id, path: inside, use_blob_urls: true });
      let served = 0;
      const ask = async (asked: string): Promise<void> => {
        const url = `/data/local-files/?d=${encodeURIComponent(asked)}`;
        const { statusCode, body } = await api().request({ url });
        expect([200, 403, 404]).toContain(statusCode);
        if (statusCode !== 200) return;
        served++;
        expect(body.startsWith(inside + path.sep), asked).toBe(true);
      };
      await ask("ds/a.txt");
      await ask("../ds/../ds/sub/a.txt");
      await fc.assert(
        fc.asyncProperty(hostilePaths, async (asked) => {
          if (asked.isWellFormed()) await ask(asked);
        }),
        SAMPLE,
      );
      expect(served).toBeGreaterThan(0);
    },
    TIMEOUT_MS,
  );

  it(
    "give only objects of the bucket that lie below the boundary",
    async () => {
      const { s3, addTask, open } = media();
      const put = (key: string): void => {
        s3.putObject("cats", key, `cats/${key}`);
      };
      for (const key of ["secret.txt", "a.txt", "img-2", "img-2/a.txt", "img/a.txt"]) put(key);
      s3.putObject("dogs", "img/a.txt", "dogs/img/a.txt");
      let served = 0;
      const ask = async (key: string): Promise<void> => {
        const reference = `s3://cats/${key}`;
        const task = await addTask({ media: reference });
        const { statusCode, body } = await open(task, reference);
        expect([200, 404, 424]).toContain(statusCode);
        if (statusCode !== 200) return;
        served++;
        expect(key.startsWith("img/"), reference).toBe(true);
        expect(body).toBe(`cats/${key}`);
      };
      await ask("img/a.txt");
      await fc.assert(
        fc.asyncProperty(fc.constantFrom("", "img/", "img"), hostilePaths, async (start, tail) => {
          const key = (start + tail).trim();
          // The database takes no U+0000 in task data, and a slash alone is no key.
          if (!key.isWellFormed() || key.includes("\u0000")) return;
          if (key.startsWith("img/") && key.length > 4) put(key);
          await ask(key);
        }),
        SAMPLE,
      );
      expect(served).toBeGreaterThan(1);
    },
    TIMEOUT_MS,
  );

  it(
    "are never served by a task that does not name them",
    async () => {
      const { s3, addTask } = media();
      s3.putObject("cats", "img/a.txt", "cats/img/a.txt");
      const task = await addTask({ media: "s3://cats/img/named.txt" });
      await fc.assert(
        fc.asyncProperty(hostilePaths, async (tail) => {
          if (!tail.isWellFormed()) return;
          for (const fileuri of [
            encodeFileUri(`s3://cats/img/${tail}`),
            encodeURIComponent(tail),
          ]) {
            const url = `/tasks/${String(task)}/resolve/?fileuri=${fileuri}`;
            expect([400, 404]).toContain((await api().request({ url })).statusCode);
          }
        }),
        SAMPLE,
      );
    },
    TIMEOUT_MS,
  );
});

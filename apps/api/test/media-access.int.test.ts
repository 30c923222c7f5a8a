import { startDatabricksFake, type DatabricksFake } from "@bucketbridge/testkit/databricks-fake";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeFileUri } from "../src/media/file-uri.ts";
import { useLocalStores } from "./fixtures/local-stores.ts";
import { useMediaProject } from "./fixtures/media-project.ts";
import { addPerson } from "./fixtures/people.ts";
import { useApi } from "./harness.ts";

const HOST = "https://labels.example.com";
const IMAGE = "s3://cats/a.png";

describe("media of a project", () => {
  const stores = useLocalStores(["loopback"]);
  const api = useApi("api_media_access", (deps) => {
    const changed = stores.change(deps);
    return { ...changed, settings: { ...changed.settings, hostPrefix: HOST } };
  });
  const media = useMediaProject(api, { presign: false });
  let databricks: DatabricksFake;

  beforeAll(async () => {
    databricks = await startDatabricksFake({
      volumes: ["main/default/pets"],
      tokens: [{ token: "dapi-owner" }],
    });
    databricks.putFile("main/default/pets/a.txt", "0123456789");
  });
  afterAll(() => databricks.close());

  it("is named by URLs that begin with LABEL_STUDIO_HOST", async () => {
    const { addTask } = media();
    const task = await addTask({ image: IMAGE });
    const shown = await api().request({ url: `/api/tasks/${String(task)}/` });
    expect(shown.json<{ data: unknown }>().data).toEqual({
      image: `${HOST}/tasks/${String(task)}/resolve/?fileuri=${encodeFileUri(IMAGE)}`,
    });
  });

  it("is not there any more for a member who has left, also where he has it in his cache", async () => {
    const { s3, id, addTask, open, patchSource } = media();
    s3.putObject("cats", "a.png", "0123456789");
    const task = await addTask({ image: IMAGE });
    const { deps, owner } = api();
    const email = `annotator-${String(id)}@example.com`;
    const { userId, token } = await addPerson(api(), "annotator", { email });
    expect((await open(task, IMAGE, { token })).statusCode).toBe(404);
    await deps.projectMembers.add(owner.organizationId, id, userId);
    const first = await open(task, IMAGE, { token });
    expect([first.statusCode, first.headers["cache-control"]]).toEqual([200, "private, no-cache"]);
    const headers = { "if-none-match": String(first.headers.etag) };
    expect((await open(task, IMAGE, { token, headers })).statusCode).toBe(304);
    await deps.projectMembers.remove(owner.organizationId, id, userId);
    const after = await open(task, IMAGE, { token, headers });
    expect([after.statusCode, after.headers.etag]).toEqual([404, undefined]);
    expect(after.body).not.toContain("0123456789");
    await patchSource({ presign: true });
    expect((await open(task, IMAGE, { token })).statusCode).toBe(404);
  });

  it("is not there any more once its task, its source or the reference is gone", async () => {
    const { s3, id, source, addTask, open } = media();
    s3.putObject("cats", "a.png", "0123456789");
    const [changed, deleted, kept] = [
      await addTask({ image: IMAGE }),
      await addTask({ image: IMAGE }),
      await addTask({ image: IMAGE }),
    ];
    const ask = async (task: number) => (await open(task, IMAGE)).statusCode;
    expect([await ask(changed), await ask(deleted), await ask(kept)]).toEqual([200, 200, 200]);
    const url = (task: number) => `/api/tasks/${String(task)}/`;
    const payload = { data: { image: "s3://cats/b.png" }, project: id };
    await api().request({ method: "PATCH", url: url(changed), payload });
    await api().request({ method: "DELETE", url: url(deleted) });
    expect([await ask(changed), await ask(deleted), await ask(kept)]).toEqual([404, 404, 200]);
    await api().request({ method: "DELETE", url: `/api/storages/s3/${String(source)}` });
    expect(await ask(kept)).toBe(404);
  });

  it("comes through us where the provider signs no URLs, whatever presign says", async () => {
    const { id, post, addTask, open } = media();
    await post("/api/storages/databricks/", {
      project: id,
      host: databricks.endpoint,
      catalog: "main",
      schema: "default",
      volume: "pets",
      token: "dapi-owner",
      use_blob_urls: true,
      presign: true,
    });
    const reference = "dbx://Volumes/main/default/pets/a.txt";
    const task = await addTask({ text: reference });
    const whole = await open(task, reference);
    expect([whole.statusCode, whole.body]).toEqual([200, "0123456789"]);
    const part = await open(task, reference, { headers: { range: "bytes=-3" } });
    expect([part.statusCode, part.body]).toEqual([206, "789"]);
  });
});

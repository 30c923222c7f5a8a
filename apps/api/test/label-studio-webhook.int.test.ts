import { describe, expect, it } from "vitest";
import { CAT, makeAnnotating, type Json } from "./fixtures/annotating.ts";
import { useLocalStores } from "./fixtures/local-stores.ts";
import { useApi } from "./harness.ts";

describe("Label Studio's webhook", () => {
  const local = useLocalStores();
  const api = useApi("api_ls_webhook", local.change);
  const { send, makeTask, taskOf } = makeAnnotating(api);

  const aHook = async () => {
    const { project, task } = await makeTask();
    const url = `/api/v1/projects/${String(project)}/label-studio-webhook`;
    const header = await send<{ headerName: string; value: string }>("PUT", url, {});
    await api().database.inMaintenance((tx) =>
      tx.task.update({ where: { id: task }, data: { externalId: "700" } }),
    );
    const call = (payload: object, value = header.value) =>
      api().request({
        method: "POST",
        url,
        token: null,
        headers: { [header.headerName]: value },
        payload,
      });
    return { project, task, url, header, call };
  };
  const hook = (action: string, second: string, fields: object = {}) => ({
    action,
    annotation: {
      id: 41,
      task: 700,
      result: CAT,
      completed_by: 1,
      unique_id: null,
      prediction: {},
      lead_time: Number(second),
      updated_at: `2026-11-26T09:00:${second}.123456Z`,
      ...fields,
    },
    task: { id: 700, data: { image: "s3://bucket/a.jpg" } },
    project: { id: 3, title: "theirs" },
  });
  const annotationsOf = async (task: number) =>
    (await taskOf(task))["annotations"] as readonly Json[];

  it("is applied in the order of updated_at, and a deletion is final", async () => {
    const { task, call } = await aHook();
    expect((await call(hook("ANNOTATION_UPDATED", "20"))).json()).toMatchObject({
      status: "applied",
      results: [{ externalId: "41", status: "saved" }],
    });
    expect((await call(hook("ANNOTATION_CREATED", "10"))).json()).toMatchObject({
      results: [{ status: "stale" }],
    });
    expect(await annotationsOf(task)).toMatchObject([{ lead_time: 20, completed_by: null }]);
    const gone = { action: "ANNOTATIONS_DELETED", annotations: [{ id: 41 }], project: { id: 3 } };
    expect((await call(gone)).json()).toMatchObject({ results: [{ status: "deleted" }] });
    expect((await call(hook("ANNOTATION_UPDATED", "30"))).json()).toMatchObject({
      results: [{ status: "stale" }],
    });
    expect(await annotationsOf(task)).toEqual([]);
  });

  it("takes many at once, and tells of tasks that nobody knows", async () => {
    const { task, call } = await aHook();
    const one = hook("ANNOTATION_CREATED", "10");
    const answer = await call({
      action: "ANNOTATIONS_CREATED",
      annotation: [
        one.annotation,
        { ...one.annotation, id: 42 },
        { ...one.annotation, id: 43, task: 9 },
      ],
      task: [one.task, { id: 9, data: {} }],
    });
    expect(answer.json()).toMatchObject({
      results: [{ status: "saved" }, { status: "saved" }, { code: "unknown_task" }],
    });
    expect(await annotationsOf(task)).toHaveLength(2);
  });

  /** The task of a hook comes from `key` of a source. */
  async function fromSource(
    { project, task }: { readonly project: number; readonly task: number },
    source: { readonly provider: string; readonly settings: Record<string, string> },
    key: string,
  ): Promise<void> {
    const { organizationId } = api().owner;
    await api().database.inOrganization(organizationId, async (tx) => {
      const storage = await tx.storage.create({
        data: { organizationId, projectId: project, direction: "source", ...source },
      });
      await tx.$executeRaw`
        WITH o AS (
          INSERT INTO source_object (organization_id, storage_id, location_version, key, state)
          VALUES (${organizationId}, ${storage.id}, ${storage.locationVersion}, ${key}, 'done') RETURNING id)
        UPDATE task t SET external_id = NULL, source_object_id = o.id FROM o WHERE t.id = ${task}::bigint`;
    });
  }
  const S3 = { provider: "s3", settings: { bucket: "bucket" } };

  it("finds a task by the object that its data names, in that bucket and no other", async () => {
    const place = await aHook();
    await fromSource(place, S3, "in/a.jpg");
    const one = hook("ANNOTATION_CREATED", "10");
    const callWith = async (image: string): Promise<unknown> => {
      const data = { text: "https://e.example/in/a.jpg", image };
      const answer = await place.call({ ...one, task: { id: 700, data } });
      return answer.json<{ results: unknown[] }>().results[0];
    };
    for (const image of ["s3://other/in/a.jpg", "gs://bucket/in/a.jpg", "s3://bucket/", "in/a.jpg"])
      expect(await callWith(image)).toMatchObject({ code: "unknown_task" });
    expect(await callWith("s3://bucket/in/a.jpg")).toMatchObject({ status: "saved" });
  });

  it("finds it in the source whose bucket is named when two have the same key", async () => {
    const place = await aHook();
    await fromSource(place, { provider: "s3", settings: { bucket: "second" } }, "in/a.jpg");
    const other = Number(
      (await send("POST", "/api/tasks/", { project: place.project, data: { image: "x" } }))["id"],
    );
    await fromSource({ ...place, task: other }, S3, "in/a.jpg");
    const data = { image: "s3://second/in/a.jpg" };
    const answer = await place.call({
      ...hook("ANNOTATION_CREATED", "10"),
      task: { id: 700, data },
    });
    expect(answer.json()).toMatchObject({ results: [{ status: "saved" }] });
    expect(await annotationsOf(place.task)).toHaveLength(1);
    expect(await annotationsOf(other)).toEqual([]);
  });

  it.each([
    ["/data/local-files/?d=cats/my%20cat%C3%A9.jpg", "saved"],
    ["http://ls.example:8080/data/local-files/?d=cats/my%20cat%C3%A9.jpg", "saved"],
    ["/data/local-files/?d=/cats/my%20cat%C3%A9.jpg", "saved"],
    ["/data/local-files/?d=dogs/my%20cat%C3%A9.jpg", "failed"],
    ["/data/local-files/?d=../cats/my%20cat%C3%A9.jpg", "failed"],
    ["/data/local-files/?d=cats/%E0%A4", "failed"],
  ])("finds a task by its local file (%s: %s)", async (image, status) => {
    const place = await aHook();
    const settings = { path: `${local.root}/cats` };
    await fromSource(place, { provider: "localfiles", settings }, "my caté.jpg");
    const one = hook("ANNOTATION_CREATED", "10");
    const answer = await place.call({ ...one, task: { id: 700, data: { image } } });
    expect(answer.json()).toMatchObject({ results: [{ status }] });
  });

  it("answers 200 to what it does not apply, and 400 to what it cannot read", async () => {
    const { call } = await aHook();
    const ignored = { status: "ignored", results: [] };
    for (const body of [
      { action: "PROJECT_UPDATED", project: { id: 3 } },
      { action: "TASKS_DELETED", tasks: [{ id: 1 }] },
      { action: "ANNOTATION_CREATED" },
    ]) {
      const answer = await call(body);
      expect([answer.statusCode, answer.json()]).toEqual([200, ignored]);
    }
    expect((await call({ action: "ANNOTATIONS_DELETED", annotations: 3 })).statusCode).toBe(400);
    expect((await call({})).statusCode).toBe(400);
  });

  it("is refused without its header, with an old value, and after it was turned off", async () => {
    const { url, call, header } = await aHook();
    const body = hook("ANNOTATION_CREATED", "10");
    expect((await call(body, "wrong")).statusCode).toBe(401);
    const owner = await api().request({ method: "POST", url, payload: body });
    expect(owner.statusCode).toBe(401);
    const next = await send<{ value: string }>("PUT", url, {});
    expect((await call(body, header.value)).statusCode).toBe(401);
    expect((await call(body, next.value)).statusCode).toBe(200);
    await send("DELETE", url);
    expect((await call(body, next.value)).statusCode).toBe(401);
    expect(api().log()).not.toContain(next.value);
    for (const id of ["x", "5000000000"]) {
      const odd = await api().request({
        method: "POST",
        url: `/api/v1/projects/${id}/label-studio-webhook`,
        payload: body,
        token: null,
      });
      expect(odd.statusCode).toBe(401);
    }
  });
});

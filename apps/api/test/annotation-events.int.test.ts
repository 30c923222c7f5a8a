import { createHmac } from "node:crypto";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { CAT, makeAnnotating, type Json } from "./fixtures/annotating.ts";
import { useApi } from "./harness.ts";

interface Result {
  readonly externalId: string;
  readonly status: string;
  readonly annotationId: number | null;
  readonly code: string | null;
  readonly message: string | null;
}
interface Answer {
  readonly results: readonly Result[];
  readonly failed: number;
}
interface Place {
  readonly project: number;
  readonly task: number;
  readonly secret: string;
}

const URL_OF_EVENTS = "/api/v1/annotation-events";

describe("annotation events", () => {
  const rung: unknown[] = [];
  const api = useApi("api_annotation_events", (deps) => ({
    ...deps,
    bell: {
      ring: (name, payload) => {
        rung.push({ name, payload });
        return Promise.resolve(true);
      },
    },
  }));
  const { send, makeTask, taskOf, makeTarget } = makeAnnotating(api);

  beforeEach(() => {
    rung.length = 0;
  });

  const keysUrl = (project: number) => `/api/v1/projects/${String(project)}/event-keys`;
  const aPlace = async (): Promise<Place> => {
    const place = await makeTask();
    const { secret } = await send<{ secret: string }>("POST", keysUrl(place.project));
    return { ...place, secret };
  };
  const now = () => Math.floor(Date.now() / 1000);
  const sign = (secret: string, body: string, time = now()) => {
    const digest = createHmac("sha256", secret)
      .update(`${String(time)}.${body}`)
      .digest("hex");
    return `t=${String(time)},v1=${digest}`;
  };
  const post = (
    body: string,
    signature: string | undefined,
    headers: Record<string, string> = {},
  ) =>
    api().request({
      method: "POST",
      url: URL_OF_EVENTS,
      token: null,
      headers: {
        "content-type": "application/json",
        ...(signature === undefined ? {} : { "x-bucketbridge-signature": signature }),
        ...headers,
      },
      payload: body,
    });
  const batch = async (
    { project, secret }: Place,
    events: readonly object[],
    headers: Record<string, string> = {},
  ): Promise<Answer> => {
    const body = JSON.stringify({ project, events });
    const response = await post(body, sign(secret, body), headers);
    expect(response.statusCode, response.body).toBe(202);
    return response.json<Answer>();
  };
  const saved = (place: Place, version: number, fields: object = {}) => ({
    action: "saved",
    externalId: "a-1",
    version,
    task: { id: place.task },
    annotation: { result: CAT, lead_time: version },
    ...fields,
  });
  const deleted = (version: number) => ({ action: "deleted", externalId: "a-1", version });
  const annotationsOf = async (task: number) =>
    (await taskOf(task))["annotations"] as readonly Json[];
  const setTask = (task: number, externalId: string) =>
    api().database.inMaintenance((tx) =>
      tx.task.update({ where: { id: task }, data: { externalId } }),
    );

  describe("the signature", () => {
    it("is of the bytes that were sent, by a key of the project, within five minutes", async () => {
      const place = await aPlace();
      const other = await aPlace();
      const body = ` ${JSON.stringify({ project: place.project, events: [saved(place, 1)] })} `;
      const { secret } = place;
      const refused = [
        undefined,
        "",
        "t=1,v1=00",
        sign(other.secret, body),
        sign(secret, body.trim()),
        sign(secret, body, now() - 310),
        sign(secret, body, now() + 310),
        sign(secret, body).replace(/t=\d+/, `t=${String(now() - 9)}`),
        sign(secret, body).slice(0, -2),
      ];
      for (const signature of refused) {
        const response = await post(body, signature);
        expect(`${String(signature)} ${String(response.statusCode)}`).toBe(
          `${String(signature)} 401`,
        );
        expect(response.headers["content-type"]).toContain("application/problem+json");
      }
      expect(await annotationsOf(place.task)).toEqual([]);
      expect((await post(body, sign(secret, body, now() - 290))).statusCode).toBe(202);
      expect(await annotationsOf(place.task)).toHaveLength(1);
    });

    it("for no project, or one that is unknown, is refused like any other", async () => {
      const { secret } = await aPlace();
      for (const project of [2_000_000_000, 5_000_000_000, "x", undefined]) {
        const body = JSON.stringify({ project, events: [] });
        expect((await post(body, sign(secret, body))).statusCode).toBe(401);
      }
    });

    it("may be of two keys while one takes the other's place, and of none that was revoked", async () => {
      const place = await aPlace();
      const url = keysUrl(place.project);
      const second = await send<{ id: number; secret: string }>("POST", url);
      await send("POST", url, undefined, 412);
      await batch({ ...place, secret: second.secret }, [saved(place, 1)]);
      await batch(place, [saved(place, 2)]);
      const { items } = await send<{ items: readonly Json[] }>("GET", url);
      expect(items.map((key) => Object.keys(key))).toEqual([
        ["id", "createdAt"],
        ["id", "createdAt"],
      ]);
      await send("DELETE", `${url}/${String(second.id)}`);
      await send("DELETE", `${url}/${String(second.id)}`, undefined, 404);
      const body = JSON.stringify({ project: place.project, events: [saved(place, 3)] });
      expect((await post(body, sign(second.secret, body))).statusCode).toBe(401);
      expect(api().log()).not.toContain(second.secret);
    });
  });

  it("save an annotation as it is told, and ring for the targets after the commit", async () => {
    const place = await aPlace();
    const target = await makeTarget(place.project);
    const { userId } = api().owner;
    const annotation = {
      id: 99,
      result: CAT,
      was_cancelled: true,
      completed_by: userId,
      created_at: "2026-01-02T03:04:05.678Z",
    };
    const { results, failed } = await batch(place, [saved(place, 1, { annotation })]);
    expect(results).toMatchObject([{ externalId: "a-1", status: "saved", revision: 1 }]);
    expect(failed).toBe(0);
    const [made] = await annotationsOf(place.task);
    expect(made).toMatchObject({
      id: results[0]?.annotationId,
      result: CAT,
      was_cancelled: true,
      completed_by: { id: userId },
      created_at: "2026-01-02T03:04:05.678000Z",
    });
    await vi.waitFor(() => {
      expect(rung).toMatchObject([{ name: "export.push", payload: { targetId: target } }]);
    });
  });

  it("come late, twice and out of order: their own version decides", async () => {
    const place = await aPlace();
    const { results } = await batch(
      place,
      [5, 3, 5, 8].map((version) => saved(place, version)),
    );
    expect(results.map(({ status }) => status)).toEqual(["saved", "stale", "stale", "saved"]);
    expect(await annotationsOf(place.task)).toMatchObject([{ lead_time: 8 }]);
    const versions = [14, 11, 15, 12, 13];
    await Promise.all(versions.map((version) => batch(place, [saved(place, version)])));
    expect(await annotationsOf(place.task)).toMatchObject([{ lead_time: 15 }]);
  });

  it("have the whole annotation: what is absent is gone", async () => {
    const place = await aPlace();
    await batch(place, [saved(place, 1), saved(place, 2, { annotation: { result: [] } })]);
    expect(await annotationsOf(place.task)).toMatchObject([{ result: [], lead_time: null }]);
  });

  it("do not bring back what was deleted, also when the deletion comes first", async () => {
    const place = await aPlace();
    const first = await batch(place, [deleted(4), saved(place, 3)]);
    expect(first.results.map(({ status }) => status)).toEqual(["deleted", "stale"]);
    const second = await batch(place, [saved(place, 5), deleted(6), saved(place, 6)]);
    expect(second.results.map(({ status }) => status)).toEqual(["saved", "deleted", "stale"]);
    expect(await annotationsOf(place.task)).toEqual([]);
  });

  it("name their task by our id, the platform's, or the key of its object; others fail alone", async () => {
    const place = await aPlace();
    await setTask(place.task, "t-1");
    const stranger = await aPlace();
    const of = (externalId: string, task: object, fields: object = {}) =>
      saved(place, 1, { externalId, task, ...fields });
    const { results, failed } = await batch(place, [
      of("a", { externalId: "t-1" }),
      of("b", { externalId: "t-2" }),
      of("c", { id: stranger.task }),
      of("d", { sourceKey: "none.jpg" }),
      of("e", { id: place.task }, { annotation: { result: [{ text: "a\u0000b" }] } }),
      of("f", { id: place.task }, { annotation: { result: [], completed_by: 2_000_000 } }),
      of("g", { id: place.task }, { annotation: { result: [], unique_id: "u" } }),
      of("h", { id: place.task }),
    ]);
    expect(results.map(({ code }) => code)).toEqual([
      null,
      "unknown_task",
      "unknown_task",
      "unknown_task",
      "invalid_value",
      "unknown_user",
      null,
      null,
    ]);
    expect(results[4]?.message).toContain("result[0].text");
    expect(failed).toBe(5);
    expect(await annotationsOf(place.task)).toHaveLength(3);
    const taken = of("i", { id: place.task }, { annotation: { result: [], unique_id: "u" } });
    expect((await batch(place, [taken])).results).toMatchObject([{ code: "unique_id_taken" }]);
  });

  it("get the same answer again under the same idempotency key, and another batch a refusal", async () => {
    const place = await aPlace();
    const key = { "idempotency-key": "batch-1" };
    const first = await batch(place, [saved(place, 1)], key);
    expect(first.results).toMatchObject([{ status: "saved" }]);
    expect(await batch(place, [saved(place, 1)], key)).toEqual(first);
    expect((await batch(place, [saved(place, 1)])).results).toMatchObject([{ status: "stale" }]);
    const body = JSON.stringify({ project: place.project, events: [saved(place, 2)] });
    const reused = await post(body, sign(place.secret, body), key);
    expect(reused.statusCode).toBe(409);
    expect(reused.json()).toMatchObject({ reason: "events.key_reused" });
    expect(await annotationsOf(place.task)).toMatchObject([{ lead_time: 1 }]);
  });

  it("are refused as a batch when they are too many, too large or not what is documented", async () => {
    const place = await aPlace();
    const tryBody = async (body: string) => {
      const response = await post(body, sign(place.secret, body));
      return { status: response.statusCode, text: response.body };
    };
    const tryEvents = (events: readonly object[]) =>
      tryBody(JSON.stringify({ project: place.project, events }));
    const many = (count: number) =>
      Array.from({ length: count }, (_, index) => ({ ...deleted(1), externalId: String(index) }));
    expect((await tryEvents(many(500))).status).toBe(202);
    expect((await tryEvents(many(501))).status).toBe(400);
    expect((await tryEvents([])).status).toBe(400);
    expect((await tryEvents([{ ...saved(place, 1), task: {} }])).text).toContain("/events/0/task");
    expect((await tryEvents([{ ...deleted(1), externalId: "a\u0000" }])).status).toBe(400);
    expect((await tryEvents([{ ...deleted(-1) }])).status).toBe(400);
    const large = saved(place, 1, { annotation: { result: ["x".repeat(1024 * 1024)] } });
    expect((await tryEvents([large])).status).toBe(413);
    const broken = await tryBody(`{"project": ${String(place.project)}, "events": [NaN]}`);
    expect(broken).toMatchObject({ status: 400 });
    expect(broken.text).toContain("events[0]");
  });
});

import { beforeEach, describe, expect, it, vi } from "vitest";
import { CAT, makeAnnotating, type Json } from "./fixtures/annotating.ts";
import { keysOf, sample } from "./fixtures/recorded.ts";
import { useApi } from "./harness.ts";

const DOG = [{ ...CAT[0], value: { choices: ["dog"] } }];

describe("annotations", () => {
  const rung: unknown[] = [];
  const api = useApi("api_annotations", (deps) => ({
    ...deps,
    bell: {
      ring: (name, payload) => {
        rung.push({ name, payload });
        return Promise.resolve(true);
      },
    },
  }));
  const { send, makeTask, makeTasks, annotate, taskOf, makeTarget } = makeAnnotating(api);

  beforeEach(() => {
    rung.length = 0;
  });

  const urlOf = (annotation: Json) => `/api/annotations/${String(annotation["id"])}/`;
  const rawPost = (url: string, payload: string) =>
    api().request({
      method: "POST",
      url,
      headers: { "content-type": "application/json" },
      payload,
    });

  describe("POST /api/tasks/{id}/annotations/", () => {
    it("answers as the contract does, in its order", async () => {
      const { project, task } = await makeTask();
      const made = await annotate(task, { lead_time: 2 });
      const { userId } = api().owner;
      expect(keysOf(made)).toEqual(keysOf(sample.annotationCreated));
      expect(made).toMatchObject({
        result: CAT,
        created_username: ` owner@example.com, ${String(userId)}`,
        created_ago: "0\u00a0minutes",
        completed_by: userId,
        was_cancelled: false,
        ground_truth: false,
        draft_created_at: null,
        lead_time: 2,
        task,
        project,
        updated_by: userId,
        last_action: null,
      });
    });

    it("counts on the task, canceled ones apart", async () => {
      const { task } = await makeTask();
      await annotate(task);
      await annotate(task, { was_cancelled: true });
      const url = `/api/tasks/${String(task)}/annotations/?was_cancelled=1`;
      expect(await send("POST", url, { result: [] })).toMatchObject({ was_cancelled: true });
      expect(await taskOf(task)).toMatchObject({
        total_annotations: 1,
        cancelled_annotations: 2,
        is_labeled: true,
        updated_by: [{ user_id: api().owner.userId }],
      });
    });

    it("takes a form, no result, and everything that the SDK sends along", async () => {
      const { project, task } = await makeTask();
      const url = `/api/tasks/${String(task)}/annotations`;
      expect(await send("POST", url, {})).toMatchObject({ result: null });
      const form = await api().request({
        method: "POST",
        url,
        headers: { "content-type": "application/x-www-form-urlencoded" },
        payload: new URLSearchParams({ result: JSON.stringify(CAT), lead_time: "1.5" }).toString(),
      });
      expect(form.statusCode, form.body).toBe(201);
      expect(form.json()).toMatchObject({ result: CAT, lead_time: 1.5 });
      const { userId } = api().owner;
      const sent = {
        bulk_created: true,
        completed_by: userId,
        ground_truth: true,
        import_id: 7,
        last_action: "submitted",
        last_created_by: userId,
        project,
        task,
        updated_by: userId,
        created_at: "1999-01-01T00:00:00Z",
        id: 5,
      };
      const { id, created_at, ...made } = await send("POST", url, { result: CAT, ...sent });
      expect(made).toMatchObject({ ground_truth: true, import_id: 7, bulk_created: true });
      expect(made).toMatchObject({ last_action: "submitted" });
      expect(id).not.toBe(5);
      expect(String(created_at)).not.toMatch(/^1999/);
    });

    it("answers 409 to a unique id that exists, and makes nothing", async () => {
      const { task } = await makeTask();
      const unique_id = crypto.randomUUID();
      await annotate(task, { unique_id });
      const url = `/api/tasks/${String(task)}/annotations/`;
      const refused = await send("POST", url, { result: CAT, unique_id }, 409);
      expect(refused).toMatchObject({
        status_code: 409,
        detail: "Annotation with this unique id already exists",
      });
      expect(await taskOf(task)).toMatchObject({ total_annotations: 1 });
    });

    it.each([
      [{ result: "not json" }, { result: ["Value must be valid JSON."] }],
      [
        { result: [{ value: { text: ["a\u0000b"] } }] },
        { result: ["result[0].value.text[0]: Null characters are not allowed."] },
      ],
      [{ lead_time: "soon" }, { lead_time: ["A valid number is required."] }],
      [
        { completed_by: 999_999 },
        { completed_by: ['Invalid pk "999999" - object does not exist.'] },
      ],
      [
        { parent_annotation: 999_999, parent_prediction: 888_888 },
        {
          parent_annotation: ['Invalid pk "999999" - object does not exist.'],
          parent_prediction: ['Invalid pk "888888" - object does not exist.'],
        },
      ],
      [{ last_action: "eaten" }, { last_action: ['"eaten" is not a valid choice.'] }],
    ])("refuses %j", async (body, errors) => {
      const { task } = await makeTask();
      const url = `/api/tasks/${String(task)}/annotations/`;
      const refused = await send("POST", url, body, 400);
      expect(refused).toMatchObject({ detail: "Validation error", validation_errors: errors });
    });

    it("names the place of what is no JSON or cannot be stored", async () => {
      const { task } = await makeTask();
      const url = `/api/tasks/${String(task)}/annotations/`;
      const nan = await rawPost(url, '{"result":[{"value":{"x":1,"y":NaN}}]}');
      expect(nan.statusCode).toBe(400);
      expect(nan.json<Json>()["detail"]).toMatch(
        /^JSON parse error - Expecting value: .*; NaN at result\[0\]\.value\.y is not a JSON value$/,
      );
      const half = await rawPost(url, String.raw`{"result":[{"value":{"text":"\ud83d"}}]}`);
      expect(half.statusCode).toBe(400);
      expect(half.json()).toMatchObject({
        validation_errors: {
          result: ["result[0].value.text: Half of a surrogate pair is not allowed."],
        },
      });
      const huge = await rawPost(url, '{"result":[{"value":{"x":1e999}}]}');
      expect(huge.json()).toMatchObject({
        validation_errors: { result: ["result[0].value.x: The number is out of range."] },
      });
      expect(await taskOf(task)).toMatchObject({ total_annotations: 0 });
    });

    it("answers 413 in the envelope to a body beyond the limit", async () => {
      const { task } = await makeTask();
      const url = `/api/tasks/${String(task)}/annotations/`;
      const response = await rawPost(url, JSON.stringify({ result: ["x".repeat(1024 * 1024)] }));
      expect(response.statusCode).toBe(413);
      expect(response.json()).toMatchObject({ status_code: 413, exc_info: null });
    });

    it.each(["/api/tasks/999999/annotations/", "/api/tasks/abc/annotations/"])(
      "does not find the task of %s",
      async (url) => {
        const answer = await send("POST", url, { result: [] }, 404);
        expect(answer["detail"]).toBe("No Task matches the given query.");
      },
    );
  });

  describe("reading", () => {
    it("lists what was not canceled, ascending, and gets one", async () => {
      const { task } = await makeTask();
      const [first, , third] = [
        await annotate(task),
        await annotate(task, { was_cancelled: true }),
        await annotate(task, { result: DOG }),
      ];
      const list = await send<Json[]>("GET", `/api/tasks/${String(task)}/annotations/`);
      expect(list.map(({ id }) => id)).toEqual([first["id"], third["id"]]);
      const one = await send("GET", urlOf(third));
      expect(keysOf(one)).toEqual(keysOf(sample.annotationCreated));
      expect(one).toMatchObject({ result: DOG });
    });

    it.each(["999999", "abc", "99999999999999999999"])("does not find %s", async (id) => {
      const answer = await send("GET", `/api/annotations/${id}/`, undefined, 404);
      expect(answer["detail"]).toBe("No Annotation matches the given query.");
    });
  });

  describe("changing and deleting", () => {
    it.each(["PATCH", "PUT"] as const)(
      "%s writes what is named and keeps the rest",
      async (verb) => {
        const { task } = await makeTask();
        const made = await annotate(task, { lead_time: 3, ground_truth: true });
        const changed = await send(verb, urlOf(made), { result: DOG, was_cancelled: true });
        expect(keysOf(changed)).toEqual(keysOf(sample.annotationCreated));
        expect(changed).toMatchObject({
          id: made["id"],
          result: DOG,
          lead_time: 3,
          ground_truth: true,
          was_cancelled: true,
          created_at: made["created_at"],
        });
        expect(await taskOf(task)).toMatchObject({
          total_annotations: 0,
          cancelled_annotations: 1,
          is_labeled: false,
        });
      },
    );

    it("raises the revision with every save", async () => {
      const { task } = await makeTask();
      const made = await annotate(task);
      await send("PATCH", urlOf(made), { result: DOG });
      await send("PATCH", urlOf(made), {});
      const { organizationId } = api().owner;
      const saved = await api().deps.annotations.find(organizationId, Number(made["id"]));
      expect(saved?.revision).toBe(3);
    });

    it("DELETE takes it off the task", async () => {
      const { task } = await makeTask();
      const made = await annotate(task);
      await send("DELETE", urlOf(made));
      expect(await taskOf(task)).toMatchObject({ total_annotations: 0, is_labeled: false });
      await send("DELETE", urlOf(made), undefined, 404);
    });
  });

  describe("targets", () => {
    const wishes = async (target: number) => {
      const { organizationId } = api().owner;
      const rows = await api().database.inOrganization(organizationId, (tx) =>
        tx.delivery.findMany({ where: { targetId: target }, orderBy: { subjectId: "asc" } }),
      );
      return rows.map(({ subjectId, wantedRevision, wantedOp, state }) => ({
        subjectId: Number(subjectId),
        wantedRevision,
        wantedOp,
        state,
      }));
    };

    it("are wished to hold what was saved and rung for after the commit", async () => {
      const { project, task } = await makeTask();
      const target = await makeTarget(project, { title: "out", canDeleteObjects: true });
      const made = await annotate(task);
      const subjectId = Number(made["id"]);
      await send("PATCH", urlOf(made), { result: DOG });
      const pending = { subjectId, wantedRevision: 2, wantedOp: "put", state: "pending" };
      expect(await wishes(target)).toEqual([pending]);
      await send("DELETE", urlOf(made));
      expect(await wishes(target)).toMatchObject([{ wantedRevision: 3, wantedOp: "delete" }]);
      await vi.waitFor(() => {
        expect(rung).toHaveLength(3);
      });
      const { organizationId } = api().owner;
      expect(rung[0]).toEqual({
        name: "export.push",
        payload: { v: 1, organizationId, targetId: target, label: "export · s3 out · push" },
      });
    });

    it("are rung for when a task or all of them are deleted", async () => {
      const { project, task } = await makeTask();
      const target = await makeTarget(project, { canDeleteObjects: true });
      await annotate(task);
      const [other = 0] = await makeTasks(project, ["b.jpg"]);
      await annotate(other);
      rung.length = 0;
      await send("DELETE", `/api/tasks/${String(task)}/`);
      await send("DELETE", `/api/projects/${String(project)}/tasks/`);
      await vi.waitFor(() => {
        expect(rung).toHaveLength(2);
      });
      expect(await wishes(target)).toMatchObject([{ wantedOp: "delete" }, { wantedOp: "delete" }]);
    });

    it("never fail a save whose bell is broken", async () => {
      const { project, task } = await makeTask();
      const { bell } = api().deps;
      await makeTarget(project);
      const ring = vi.spyOn(bell, "ring").mockRejectedValue(new Error("away"));
      try {
        await annotate(task);
        await vi.waitFor(() => {
          expect(api().log()).toContain("target.ring.failed");
        });
      } finally {
        ring.mockRestore();
      }
    });
  });
});

import { describe, expect, it } from "vitest";
import { CAT, makeAnnotating, type Json } from "./fixtures/annotating.ts";
import { keysOf } from "./fixtures/recorded.ts";
import { useApi } from "./harness.ts";

/** The contract's order. */
const DRAFT_KEYS = [
  "id",
  "user",
  "created_username",
  "created_ago",
  "result",
  "lead_time",
  "was_postponed",
  "import_id",
  "created_at",
  "updated_at",
  "task",
  "annotation",
];

describe("drafts", () => {
  const api = useApi("api_drafts");
  const { send, makeTask, makeTasks, annotate, taskOf } = makeAnnotating(api);

  const draftsOf = (task: number) => `/api/tasks/${String(task)}/drafts`;
  const annotationDrafts = (task: number, annotation: Json) =>
    `/api/tasks/${String(task)}/annotations/${String(annotation["id"])}/drafts`;
  const urlOf = (draft: Json) => `/api/drafts/${String(draft["id"])}/`;

  it("are made, listed, read, changed and deleted", async () => {
    const { task } = await makeTask();
    const made = await send("POST", draftsOf(task), { result: CAT, lead_time: 1.5 });
    expect(keysOf(made)).toEqual(DRAFT_KEYS);
    expect(made).toMatchObject({
      user: "owner@example.com",
      created_username: ` owner@example.com, ${String(api().owner.userId)}`,
      result: CAT,
      lead_time: 1.5,
      was_postponed: false,
      task,
      annotation: null,
    });
    expect(await send("GET", draftsOf(task))).toEqual([made]);
    expect(await send("GET", urlOf(made))).toEqual(made);
    const changed = await send("PATCH", urlOf(made), { was_postponed: true });
    expect(changed).toMatchObject({ result: CAT, was_postponed: true });
    await send("DELETE", urlOf(made));
    const gone = await send("GET", urlOf(made), undefined, 404);
    expect(gone["detail"]).toBe("No AnnotationDraft matches the given query.");
    await send("DELETE", urlOf(made), undefined, 404);
  });

  it("show in tasks of whoever made them", async () => {
    const { project, task } = await makeTask();
    expect(await taskOf(task)).toMatchObject({ drafts: [], draft_exists: false });
    const made = await send("POST", draftsOf(task), { result: CAT });
    expect(await taskOf(task)).toMatchObject({ drafts: [made], draft_exists: true });
    const url = `/api/tasks/?project=${String(project)}`;
    const full = await send<{ tasks: Json[] }>("GET", `${url}&fields=all`);
    expect(full.tasks[0]).toMatchObject({ drafts: [made], draft_exists: true });
    const short = await send<{ tasks: Json[] }>("GET", url);
    expect(short.tasks[0]).toMatchObject({ drafts: [] });
  });

  it("go when the annotation is made that they became, which keeps their time", async () => {
    const { project, task } = await makeTask();
    const [other = 0] = await makeTasks(project, ["b.jpg"]);
    const made = await send("POST", draftsOf(task), { result: [] });
    const kept = await send("POST", draftsOf(other), { result: [] });
    const annotation = await annotate(task);
    expect(annotation["draft_created_at"]).toBe(made["created_at"]);
    expect(await taskOf(task)).toMatchObject({ drafts: [], draft_exists: false });
    expect(await taskOf(other)).toMatchObject({ drafts: [kept] });
  });

  it("of an annotation go when that is saved, those of others stay", async () => {
    const { task } = await makeTask();
    const [one, two] = [await annotate(task), await annotate(task)];
    const draft = await send("POST", annotationDrafts(task, one), { result: CAT });
    expect(draft).toMatchObject({ annotation: one["id"] });
    const kept = await send("POST", annotationDrafts(task, two), { result: CAT });
    expect(await send("GET", annotationDrafts(task, one))).toEqual([draft]);
    await send("PATCH", `/api/annotations/${String(one["id"])}/`, { result: CAT });
    expect(await send("GET", draftsOf(task))).toEqual([kept]);
    await send("DELETE", `/api/annotations/${String(two["id"])}/`);
    expect(await send("GET", draftsOf(task))).toEqual([]);
  });

  it("belong to annotations of their own task alone", async () => {
    const { project, task } = await makeTask();
    const [other = 0] = await makeTasks(project, ["b.jpg"]);
    const annotation = await annotate(other);
    const url = annotationDrafts(task, annotation);
    const refused = await send("POST", url, { result: CAT }, 404);
    expect(refused["detail"]).toBe("No Annotation matches the given query.");
    await send("POST", annotationDrafts(task, { id: "abc" }), { result: CAT }, 404);
  });

  it.each([
    [{}, { result: ["This field is required."] }],
    [{ result: ["\u0000"] }, { result: ["result[0]: Null characters are not allowed."] }],
  ])("refuse %j", async (body, errors) => {
    const { task } = await makeTask();
    const refused = await send("POST", draftsOf(task), body, 400);
    expect(refused).toMatchObject({ validation_errors: errors });
  });
});

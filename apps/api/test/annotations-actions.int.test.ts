import { beforeEach, describe, expect, it, vi } from "vitest";
import { CAT, makeAnnotating, type Json } from "./fixtures/annotating.ts";
import { useApi } from "./harness.ts";

describe("actions of the data manager", () => {
  const rung: unknown[] = [];
  const api = useApi("api_actions", (deps) => ({
    ...deps,
    bell: {
      ring: (_name, payload) => {
        rung.push((payload as { targetId?: number }).targetId);
        return Promise.resolve(true);
      },
    },
  }));
  const { send, makeProject, makeTask, makeTasks, annotate, taskOf, makeTarget } =
    makeAnnotating(api);

  beforeEach(() => {
    rung.length = 0;
  });

  const urlOf = (id: string, project: number) =>
    `/api/dm/actions/?id=${id}&project=${String(project)}`;
  const act = (id: string, project: number, body: unknown = {}, status = 200) =>
    send("POST", urlOf(id, project), body, status);
  const only = (...ids: number[]) => ({ selectedItems: { all: false, included: ids } });
  const listTasks = async (project: number) =>
    (await send<{ tasks: Json[] }>("GET", `/api/tasks/?project=${String(project)}`)).tasks.map(
      ({ id }) => Number(id),
    );

  /** A project with two tasks, each with an annotation and a prediction, and a target that may delete. */
  async function makeScene() {
    const project = await makeProject();
    const [one = 0, two = 0] = await makeTasks(project, ["a.jpg", "b.jpg"]);
    for (const task of [one, two]) {
      await annotate(task, { ground_truth: task === one });
      await send("POST", "/api/predictions/", {
        task,
        result: CAT,
        model_version: `m${String(task)}`,
      });
    }
    const target = await makeTarget(project, { canDeleteObjects: true });
    return { project, one, two, target };
  }
  const expectRung = (target: number) =>
    vi.waitFor(() => {
      expect(rung).toContain(target);
    });

  it("are listed with what a menu needs", async () => {
    const project = await makeProject();
    const list = await send<Json[]>("GET", `/api/dm/actions?project=${String(project)}`);
    expect(list.map(({ id }) => id)).toEqual([
      "remove_duplicates",
      "retrieve_tasks_predictions",
      "predictions_to_annotations",
      "delete_tasks",
      "delete_tasks_annotations",
      "delete_ground_truths",
      "delete_tasks_predictions",
    ]);
    expect(list[3]).toMatchObject({
      title: "Delete Tasks",
      permission: "tasks.delete",
      dialog: { type: "confirm" },
    });
    await send("GET", "/api/dm/actions/", undefined, 404);
  });

  it("delete_tasks takes the selected ones with their annotations", async () => {
    const { project, one, two, target } = await makeScene();
    expect(await act("delete_tasks", project, only(one))).toEqual({
      processed_items: 1,
      detail: "Deleted 1 tasks",
      reload: true,
    });
    expect(await listTasks(project)).toEqual([two]);
    await expectRung(target);
  });

  it("takes filters, exclusions, and everything without a selection", async () => {
    const project = await makeProject();
    const [a = 0, b = 0, c = 0, d = 0] = await makeTasks(project, ["a", "b", "c", "d"]);
    const filters = {
      conjunction: "and",
      items: [{ filter: "filter:tasks:data.image", operator: "equal", type: "String", value: "a" }],
    };
    await act("delete_tasks", project, { filters, ordering: [], selectedItems: { all: true } });
    expect(await listTasks(project)).toEqual([b, c, d]);
    await act("delete_tasks", project, { selectedItems: { all: true, excluded: [b, c] } });
    expect(await listTasks(project)).toEqual([b, c]);
    await act("delete_tasks", project, { filters, ...only(b) });
    expect(await listTasks(project)).toEqual([b, c]);
    await act("delete_tasks", project, null);
    expect(await listTasks(project)).toEqual([]);
    expect(a).toBeGreaterThan(0);
  });

  it.each([{}, { included: [] }, { all: false }, { all: false, included: [] }])(
    "does nothing to a selection of none: %j",
    async (selectedItems) => {
      const { project, task } = await makeTask();
      expect(await act("delete_tasks", project, { selectedItems })).toMatchObject({
        processed_items: 0,
      });
      expect(await listTasks(project)).toEqual([task]);
    },
  );

  it("delete_tasks_annotations takes all of them, or one person's", async () => {
    const { project, one, two, target } = await makeScene();
    const nobody = { ...only(one, two), annotator: 999_999 };
    expect(await act("delete_tasks_annotations", project, nobody)).toMatchObject({
      processed_items: 0,
    });
    expect(await act("delete_tasks_annotations", project, only(one))).toEqual({
      processed_items: 1,
      detail: "Deleted 1 annotations",
    });
    expect(await taskOf(one)).toMatchObject({ total_annotations: 0, is_labeled: false });
    expect(await taskOf(two)).toMatchObject({ total_annotations: 1 });
    await expectRung(target);
    const mine = { annotator: api().owner.userId };
    expect(await act("delete_tasks_annotations", project, mine)).toMatchObject({
      processed_items: 1,
    });
  });

  it("delete_ground_truths leaves the other annotations", async () => {
    const { project, one, two } = await makeScene();
    expect(await act("delete_ground_truths", project)).toEqual({
      processed_items: 1,
      detail: "Deleted 1 ground truths",
    });
    expect(await taskOf(one)).toMatchObject({ total_annotations: 0 });
    expect(await taskOf(two)).toMatchObject({ total_annotations: 1 });
  });

  it("delete_tasks_predictions takes predictions alone", async () => {
    const { project, one, two } = await makeScene();
    expect(await act("delete_tasks_predictions", project, only(one))).toEqual({
      processed_items: 1,
      detail: "Deleted 1 predictions",
    });
    expect(await taskOf(one)).toMatchObject({ total_predictions: 0, total_annotations: 1 });
    expect(await taskOf(two)).toMatchObject({ total_predictions: 1 });
  });

  it("retrieve_tasks_predictions has no model to ask", async () => {
    const { project, one } = await makeScene();
    expect(await act("retrieve_tasks_predictions", project, only(one))).toEqual({
      processed_items: 1,
      detail: "Retrieved 1 predictions",
    });
  });

  it("predictions_to_annotations makes one of each, once, and keeps drafts", async () => {
    const { project, one, two, target } = await makeScene();
    await send("POST", `/api/tasks/${String(one)}/drafts`, { result: [] });
    const ofOne = { model_version: `m${String(one)}` };
    expect(await act("predictions_to_annotations", project, ofOne)).toEqual({
      processed_items: 1,
      detail: "Created 1 annotations",
    });
    await expectRung(target);
    const [, made] = await send<Json[]>("GET", `/api/tasks/${String(one)}/annotations/`);
    const [prediction] = await send<Json[]>("GET", `/api/predictions/?task=${String(one)}`);
    expect(made).toMatchObject({
      result: CAT,
      completed_by: api().owner.userId,
      updated_by: null,
      last_action: null,
      parent_prediction: prediction?.["id"],
    });
    expect(await taskOf(one)).toMatchObject({ total_annotations: 2, draft_exists: true });
    await Promise.all([
      act("predictions_to_annotations", project),
      act("predictions_to_annotations", project),
    ]);
    expect(await taskOf(one)).toMatchObject({ total_annotations: 2 });
    expect(await taskOf(two)).toMatchObject({ total_annotations: 2 });
  });

  it("remove_duplicates keeps one of equal tasks with the work of all", async () => {
    const project = await makeProject();
    const [a = 0, b = 0, c = 0] = await makeTasks(project, ["same", "same", "other"]);
    await annotate(a);
    const moved = await annotate(b);
    await send("POST", `/api/tasks/${String(b)}/drafts`, { result: [] });
    expect(await act("remove_duplicates", project)).toEqual({
      processed_items: 1,
      detail: "Removed 1 tasks",
      reload: true,
    });
    expect(await listTasks(project)).toEqual([a, c]);
    expect(await taskOf(a)).toMatchObject({ total_annotations: 2, draft_exists: true });
    const url = `/api/annotations/${String(moved["id"])}/`;
    expect(await send("GET", url)).toMatchObject({ task: a });
  });

  it.each([
    ["/api/dm/actions/?project=P", 422, 'No action id "None", use ?id=<action-id>'],
    ["/api/dm/actions/?project=P&id=nope", 400, "Can't find 'nope' in registered actions"],
    ["/api/dm/actions/?id=delete_tasks", 404, "No Project matches the given query."],
    ["/api/dm/actions/?id=delete_tasks&project=999999", 404, "No Project matches the given query."],
    ["/api/dm/actions/?id=delete_tasks&project=P&view=3", 404, "No View matches the given query."],
  ])("refuses %s", async (url, status, detail) => {
    const { project, task } = await makeTask();
    const answer = await send("POST", url.replace("P", String(project)), {}, status);
    expect(answer["detail"]).toBe(detail);
    expect(await listTasks(project)).toEqual([task]);
  });

  it("touches no task of another project", async () => {
    const { project } = await makeTask();
    const { project: otherProject, task: other } = await makeTask();
    expect(await act("delete_tasks", project, only(other))).toMatchObject({ processed_items: 0 });
    expect(await listTasks(otherProject)).toEqual([other]);
  });
});

import { beforeAll, describe, expect, it } from "vitest";
import { keysOf, sample } from "./fixtures/recorded.ts";
import { useApi, type TestRequest } from "./harness.ts";

const CATS = sample.labelConfig;
const ANNOTATION = {
  result: [{ from_name: "c", to_name: "i", type: "choices", value: { choices: ["cat"] } }],
};
const PREDICTION = {
  result: [{ from_name: "c", to_name: "i", type: "choices", value: { choices: ["dog"] } }],
  score: 0.5,
  model_version: "m1",
};

type Json = Record<string, unknown>;
interface TaskList {
  readonly total: number;
  readonly tasks: readonly Json[];
}

describe("tasks", () => {
  const api = useApi("api_tasks");

  async function json<T = Json>(options: TestRequest, status = 200): Promise<T> {
    const response = await api().request(options);
    expect(response.statusCode, response.body).toBe(status);
    return response.json<T>();
  }
  const post = <T = Json>(url: string, payload: unknown, status = 201) =>
    json<T>({ method: "POST", url, payload: payload as object }, status);
  const makeProject = async (config = CATS) =>
    Number((await post("/api/projects/", { title: "Tasks", label_config: config }))["id"]);
  const importInto = (project: number, tasks: unknown, query = "", status = 201) =>
    post(`/api/projects/${String(project)}/import?return_task_ids=true${query}`, tasks, status);
  const idsOf = (imported: Json) => imported["task_ids"] as number[];
  const list = (project: number, query = "") =>
    json<TaskList>({ url: `/api/tasks/?project=${String(project)}${query}` });
  const detailOf = async (options: TestRequest, status: number) =>
    (await json<{ detail: string }>(options, status)).detail;

  /** A task that a sync of a storage made with the files method. */
  async function addSyncedTask(
    projectId: number,
    key: string,
    { provider = "s3", settings = {} } = {},
  ): Promise<number> {
    const { organizationId } = api().owner;
    return api().database.inOrganization(organizationId, async (tx) => {
      const storage = await tx.storage.create({
        data: { organizationId, projectId, direction: "source", provider, settings },
      });
      const object = await tx.sourceObject.create({
        data: {
          organizationId,
          storageId: storage.id,
          locationVersion: 1,
          state: "done",
          key,
          rowsLoaded: 1,
          liveTasks: 1,
        },
      });
      const task = await tx.task.create({
        data: {
          organizationId,
          projectId,
          innerId: 9_000,
          sourceObjectId: object.id,
          data: { $undefined$: `s3://imgs/${key}` },
        },
      });
      await tx.projectTally.upsert({
        where: { projectId_slot: { projectId, slot: 15 } },
        create: { organizationId, projectId, slot: 15, tasks: 1 },
        update: { tasks: { increment: 1 } },
      });
      return Number(task.id);
    });
  }

  describe("POST /api/tasks/", () => {
    it("answers with the column shape of the contract", async () => {
      const project = await makeProject();
      const task = await post("/api/tasks/", {
        project,
        data: { image: "http://x/9.png" },
        meta: { k: "v" },
      });
      expect(keysOf(task)).toEqual(keysOf(sample.taskCreated));
      expect(task).toMatchObject({
        data: { image: "http://x/9.png" },
        meta: { k: "v" },
        is_labeled: false,
        overlap: 1,
        inner_id: 1,
        updated_by: null,
        project,
      });
    });

    it("takes a form whose data are JSON in a string", async () => {
      const project = await makeProject();
      const response = await api().request({
        method: "POST",
        url: "/api/tasks",
        headers: { "content-type": "application/x-www-form-urlencoded" },
        payload: new URLSearchParams({
          project: String(project),
          data: '{"image":"x"}',
        }).toString(),
      });
      expect(response.statusCode, response.body).toBe(201);
      expect(response.json<{ data: unknown }>().data).toEqual({ image: "x" });
    });

    it.each([
      [{}, { data: ["This field is required."] }],
      [{ data: "text" }, { data: ["Expected a dictionary, but got str."] }],
      [
        { data: { other: 1 } },
        {
          non_field_errors: [
            '"image" key is expected in task data [assume: item["data"] = task root with values]',
          ],
        },
      ],
      [{ data: { image: "a\u0000b" } }, { data: ["Null characters are not allowed."] }],
      [{ data: { "im\u0000age": "" } }, { data: ["Null characters are not allowed."] }],
    ])("refuses %j in the contract's words", async (body, errors) => {
      const project = await makeProject();
      const answer = await post("/api/tasks/", { project, ...body }, 400);
      expect(answer).toMatchObject({ detail: "Validation error", validation_errors: errors });
    });

    it.each([
      [{ data: {} }, { project: ["This field is required."] }],
      [{ project: null, data: {} }, { project: ["This field may not be null."] }],
      [
        { project: "abc", data: {} },
        { project: ["Incorrect type. Expected pk value, received str."] },
      ],
    ])("asks for a project in %j", async (body, errors) => {
      expect(await post("/api/tasks/", body, 400)).toMatchObject({ validation_errors: errors });
    });

    it("does not find an unknown project", async () => {
      const options = {
        method: "POST",
        url: "/api/tasks/",
        payload: { project: 999_999, data: {} },
      } as const;
      expect(await detailOf(options, 404)).toBe("No Project matches the given query.");
    });

    it("stores the half of a surrogate pair as U+FFFD", async () => {
      const project = await makeProject();
      const payload = `{"project":${String(project)},"data":{"image":"a\\ud800b"}}`;
      const response = await api().request({
        method: "POST",
        url: "/api/tasks/",
        headers: { "content-type": "application/json" },
        payload,
      });
      expect(response.json<{ data: unknown }>().data).toEqual({ image: "a\ufffdb" });
    });

    it("refuses data that would reach a prototype or that are nested too deeply", async () => {
      const project = String(await makeProject());
      const send = (data: string) =>
        api().request({
          method: "POST",
          url: "/api/tasks/",
          headers: { "content-type": "application/json" },
          payload: `{"project":${project},"data":${data}}`,
        });
      expect((await send('{"__proto__":{"polluted":1}}')).statusCode).toBe(400);
      expect((await send(`{"image":${"[".repeat(5_000)}${"]".repeat(5_000)}}`)).statusCode).toBe(
        400,
      );
    });
  });

  describe("GET /api/tasks/{id}/", () => {
    it("has the shape of the data manager, with the people of annotations in full", async () => {
      const project = await makeProject();
      const [id] = idsOf(
        await importInto(project, [
          {
            data: { image: "s3://imgs/1.jpg" },
            annotations: [ANNOTATION],
            predictions: [PREDICTION],
          },
        ]),
      );
      const task = await json({ url: `/api/tasks/${String(id)}/` });
      expect(keysOf(task)).toEqual(keysOf(sample.taskDetail));
      const [annotation] = task["annotations"] as Json[];
      expect(keysOf(annotation)).toEqual(keysOf(sample.annotationInDetail));
      expect(keysOf(annotation?.["completed_by"])).toEqual(
        keysOf(sample.annotationInDetail["completed_by"]),
      );
      expect(annotation).toMatchObject({
        created_username: ` owner@example.com, ${String(api().owner.userId)}`,
        created_ago: "0\u00a0minutes",
        completed_by: { email: "owner@example.com", initials: "ow" },
        ground_truth: true,
        updated_by: null,
        last_action: null,
      });
      const [prediction] = task["predictions"] as Json[];
      const recorded = sample.taskInList["predictions"] as Json[];
      expect(keysOf(prediction)).toEqual(keysOf(recorded[0]));
      expect(prediction).toMatchObject({ model_version: "m1", score: 0.5 });
      expect(task).toMatchObject({ is_labeled: true, total_annotations: 1, total_predictions: 1 });
    });

    it("calls $undefined$ what the label config calls it, on every read", async () => {
      const project = await makeProject();
      const id = await addSyncedTask(project, "subdir/image1.jpg");
      const url = `/api/tasks/${String(id)}/`;
      expect(await json({ url })).toMatchObject({
        data: { image: "s3://imgs/subdir/image1.jpg" },
        storage_filename: "subdir/image1.jpg",
      });
      const label_config = '<View><Text name="t" value="$text"/></View>';
      await json({
        method: "PATCH",
        url: `/api/projects/${String(project)}/`,
        payload: { label_config },
      });
      expect(await json({ url })).toMatchObject({ data: { text: "s3://imgs/subdir/image1.jpg" } });
      await json({
        method: "PATCH",
        url: `/api/projects/${String(project)}/`,
        payload: { label_config: "<View></View>" },
      });
      expect(await json({ url })).toMatchObject({
        data: { $undefined$: "s3://imgs/subdir/image1.jpg" },
      });
    });

    it.each([
      ["sub/a.jpg", "/data/root/ds", "/data/root/ds/sub/a.jpg"],
      ["./one.jpg", "/data/root/one.jpg", "/data/root/one.jpg"],
    ])(
      "shows the absolute path of a local file, and finds it by that: %s",
      async (key, path, shown) => {
        const project = await makeProject();
        const id = await addSyncedTask(project, key, {
          provider: "localfiles",
          settings: { path },
        });
        expect(await json({ url: `/api/tasks/${String(id)}/` })).toMatchObject({
          storage_filename: shown,
        });
        const filter = {
          filter: "filter:tasks:storage_filename",
          operator: "equal",
          type: "String",
          value: shown,
        };
        const query = encodeURIComponent(
          JSON.stringify({ filters: { conjunction: "and", items: [filter] } }),
        );
        const found = await json({ url: `/api/tasks/?project=${String(project)}&query=${query}` });
        expect((found["tasks"] as Json[]).map((task) => task["id"])).toEqual([id]);
      },
    );

    it.each(["999999", "abc", "99999999999999999999", "-1"])(
      "does not find task %s",
      async (id) => {
        expect(await detailOf({ url: `/api/tasks/${id}/` }, 404)).toBe(
          "No Task matches the given query.",
        );
      },
    );
  });

  describe("PATCH and DELETE /api/tasks/{id}/", () => {
    it("changes what is named and says who did it", async () => {
      const project = await makeProject();
      const [id] = idsOf(await importInto(project, [{ image: "a" }]));
      const url = `/api/tasks/${String(id)}/`;
      const patched = await json({ method: "PATCH", url, payload: { data: { image: "b" } } });
      expect(keysOf(patched)).toEqual([
        ...keysOf(sample.taskCreated),
        "annotations",
        "predictions",
      ]);
      expect(patched).toMatchObject({ data: { image: "b" }, updated_by: api().owner.userId });
      await json({ method: "PATCH", url, payload: { meta: { a: 1 } } });
      expect(await json({ url })).toMatchObject({
        data: { image: "b" },
        meta: { a: 1 },
        updated_by: [{ user_id: api().owner.userId }],
      });
      const refused = await json({ method: "PATCH", url, payload: { data: { other: 1 } } }, 400);
      expect(refused).toMatchObject({
        validation_errors: { non_field_errors: [expect.any(String)] },
      });
    });

    it("deletes a task with its annotations and counts it no more", async () => {
      const project = await makeProject();
      const [id] = idsOf(
        await importInto(project, [
          { data: { image: "a" }, annotations: [ANNOTATION] },
          { image: "b" },
        ]),
      );
      const url = `/api/tasks/${String(id)}/`;
      expect((await api().request({ method: "DELETE", url })).statusCode).toBe(204);
      expect((await api().request({ url })).statusCode).toBe(404);
      expect((await api().request({ method: "DELETE", url })).statusCode).toBe(404);
      expect(await json({ url: `/api/projects/${String(project)}/` })).toMatchObject({
        task_number: 1,
        total_annotations_number: 0,
      });
    });

    it("wishes a delete for a target that may delete objects", async () => {
      const project = await makeProject();
      const [id] = idsOf(
        await importInto(project, [{ data: { image: "a" }, annotations: [ANNOTATION] }]),
      );
      const { organizationId } = api().owner;
      await api().database.inOrganization(organizationId, (tx) =>
        tx.storage.create({
          data: {
            organizationId,
            projectId: project,
            direction: "target",
            provider: "s3",
            canDeleteObjects: true,
          },
        }),
      );
      await api().request({ method: "DELETE", url: `/api/tasks/${String(id)}/` });
      const deliveries = await api().database.inOrganization(organizationId, (tx) =>
        tx.delivery.findMany(),
      );
      expect(deliveries).toMatchObject([{ wantedOp: "delete", state: "pending" }]);
    });
  });

  describe("POST /api/projects/{id}/import", () => {
    it("answers with the keys of the contract", async () => {
      const project = await makeProject();
      const imported = await importInto(project, [
        { image: "a" },
        { data: { image: "b" }, meta: { k: 1 } },
      ]);
      expect(keysOf(imported)).toEqual(keysOf(sample.imported));
      expect(imported).toMatchObject({
        task_count: 2,
        annotation_count: 0,
        prediction_count: 0,
        found_formats: [],
        task_ids: [expect.any(Number), expect.any(Number)],
      });
      const { tasks } = await list(project);
      expect(tasks).toMatchObject([
        { inner_id: 1, data: { image: "a" }, meta: {} },
        { inner_id: 2, data: { image: "b" }, meta: { k: 1 } },
      ]);
    });

    it("takes one task that stands by itself", async () => {
      const project = await makeProject();
      expect(await importInto(project, { image: "a" })).toMatchObject({ task_count: 1 });
    });

    it("gives a prediction without a version the name undefined", async () => {
      const project = await makeProject();
      const [id] = idsOf(
        await importInto(project, [{ data: { image: "a" }, predictions: [{ result: [] }] }]),
      );
      const task = await json({ url: `/api/tasks/${String(id)}/` });
      expect(task).toMatchObject({ predictions: [{ model_version: "undefined" }] });
    });

    it("imports nothing when one item is bad, and says which", async () => {
      const project = await makeProject();
      const answer = await importInto(project, [{ image: "a" }, { nope: 1 }], "", 400);
      const [message] = (answer["validation_errors"] as { non_field_errors: string[] })
        .non_field_errors;
      expect(message).toContain('Error at item 1: "image" key is expected in task data');
      expect(message).toContain(':: {"nope":1}');
      expect((await list(project)).total).toBe(0);
    });

    it.each([
      [[], "load_tasks: No tasks added"],
      [[1], "Error at item 0: Task root must be dict"],
      [[{ data: { image: "a" }, annotations: {} }], '"annotations" field in task must be list'],
      [[{ data: { image: "a" }, annotations: [{}] }], 'annotation must have "result" field'],
      [
        [{ data: { image: "a" }, annotations: [{ result: "x" }] }],
        '"result" field in annotation must be list',
      ],
      [[{ image: "a\u0000" }], "Null characters are not allowed."],
    ])("refuses %j", async (tasks, message) => {
      const project = await makeProject();
      const answer = await importInto(project, tasks, "", 400);
      expect(answer).toMatchObject({
        validation_errors: { non_field_errors: [expect.stringContaining(message)] },
      });
    });

    it("has no counts when nothing is committed", async () => {
      const project = await makeProject();
      const answer = await importInto(project, [{ image: "a" }], "&commit_to_project=false");
      expect(answer).toMatchObject({
        task_count: null,
        annotation_count: null,
        prediction_count: null,
      });
      expect((await list(project)).total).toBe(0);
    });

    it("imports thousands of tasks in one piece", async () => {
      const project = await makeProject();
      const tasks = Array.from({ length: 5_000 }, (_, index) => ({
        image: `s3://b/${String(index)}.jpg`,
      }));
      expect(await importInto(project, tasks)).toMatchObject({ task_count: 5_000 });
      expect((await list(project, "&page_size=1")).total).toBe(5_000);
    });
  });

  describe("GET /api/tasks/", () => {
    let project: number;
    let ids: number[];

    beforeAll(async () => {
      project = await makeProject();
      ids = idsOf(
        await importInto(project, [
          { data: { image: "s3://b/a.jpg", size: 10, name: "Alpha" }, annotations: [ANNOTATION] },
          { image: "s3://b/b.jpg", size: 20, name: "beta" },
          { data: { image: "s3://b/c.png", size: 30 }, predictions: [PREDICTION] },
        ]),
      );
      ids.push(await addSyncedTask(project, "dir/d.jpg"));
    });

    const names = async (query: unknown) => {
      const { tasks } = await list(project, `&query=${encodeURIComponent(JSON.stringify(query))}`);
      return tasks.map(({ id }) => "abcd"[ids.indexOf(Number(id))]).join("");
    };
    const where = (filter: string, operator: string, value: unknown, type = "String") =>
      names({
        filters: {
          conjunction: "and",
          items: [{ filter: `filter:tasks:${filter}`, operator, type, value }],
        },
      });

    it("has the recorded shape with fields=all and with task_only", async () => {
      const all = await list(project, "&fields=all&page=1&page_size=100&resolve_uri=true");
      expect(keysOf(all)).toEqual(keysOf(sample.taskOnlyList));
      expect(keysOf(all.tasks[0])).toEqual(keysOf(sample.taskInList));
      expect(all.tasks[0]).toMatchObject({
        annotations: [{ completed_by: api().owner.userId }],
        annotators: [api().owner.userId],
        // PostgreSQL keeps the keys of JSON in an order of its own.
        annotations_results: expect.stringMatching(
          /^\[\{.*value: \{choices: \[cat\]\}.*\}\]$/,
        ) as unknown,
      });
      expect(all.tasks[2]).toMatchObject({
        predictions_results: expect.stringContaining("value: {choices: [dog]}") as unknown,
        predictions_model_versions: "m1",
      });
      expect(all).toMatchObject({ total: 4, total_annotations: 1, total_predictions: 1 });
      const only = await list(project);
      const [recorded] = sample.taskOnlyList["tasks"] as Json[];
      expect(keysOf(only.tasks[0])).toEqual(keysOf(recorded));
    });

    it("pages in ascending order and ends with 404", async () => {
      const first = await list(project, "&page=1&page_size=3");
      const second = await list(project, "&page=2&page_size=3");
      expect([...first.tasks, ...second.tasks].map(({ id }) => id)).toEqual(ids);
      const url = `/api/tasks/?project=${String(project)}&page=3&page_size=3`;
      expect(await detailOf({ url }, 404)).toBe("Invalid page.");
    });

    it("keeps only the keys that include names", async () => {
      const { tasks } = await list(project, "&include=id,data");
      for (const task of tasks) expect(keysOf(task)).toEqual(["id", "data"]);
    });

    it("is empty on the first page of an empty project", async () => {
      const response = await api().request({
        url: `/api/tasks/?project=${String(await makeProject())}&page=1`,
      });
      expect(response.body).toBe(
        '{"total_annotations":0,"total_predictions":0,"total":0,"tasks":[]}',
      );
    });

    it("asks for a project or a view", async () => {
      const response = await api().request({ url: "/api/tasks/" });
      expect(response.statusCode).toBe(404);
      expect(response.body).toBe('{"detail":"Neither project nor view id specified"}');
      expect(await detailOf({ url: "/api/tasks/?view=1" }, 404)).toBe(
        "No View matches the given query.",
      );
      expect(await detailOf({ url: "/api/tasks/?project=999999" }, 404)).toBe(
        "No Project matches the given query.",
      );
      expect(await json({ url: "/api/tasks/?project=abc" }, 400)).toMatchObject({
        validation_errors: {
          project: 'Incorrect value in key "project" = "abc". It should be digit string.',
        },
      });
    });

    it.each([
      ["id", "in_list Number", () => [ids[0], ids[2]], "ac"],
      ["inner_id", "greater Number", () => 1, "bcd"],
      ["inner_id", "in Number", () => ({ min: 2, max: 3 }), "bc"],
      ["inner_id", "not_in Number", () => ({ min: 2, max: 3 }), "ad"],
      ["total_annotations", "equal Number", () => 1, "a"],
      ["total_annotations", "equal Number", () => "0", "bcd"],
      ["total_predictions", "greater_or_equal Number", () => 1, "c"],
      ["created_at", "less Datetime", () => "2100-01-01T00:00:00Z", "abcd"],
      ["created_at", "greater Datetime", () => "2100-01-01T00:00:00Z", ""],
      ["storage_filename", "contains String", () => "D.JPG", "d"],
      ["storage_filename", "empty Boolean", () => true, "abc"],
      ["storage_filename", "empty Boolean", () => false, "d"],
      ["data.name", "contains String", () => "BET", "b"],
      ["data.name", "not_contains String", () => "bet", "acd"],
      ["data.name", "equal String", () => "Alpha", "a"],
      ["data.name", "not_equal String", () => "Alpha", "bcd"],
      ["data.size", "less Number", () => 25, "ab"],
      ["data.image", "contains String", () => "dir/d.jpg", "d"],
      ["data.name", "equal String", () => "x' OR '1'='1", ""],
      ["data.na'me", "exists String", () => true, ""],
    ])("filters %s %s", async (filter, operation, value, expected) => {
      const [operator = "", type] = operation.split(" ");
      expect(await where(filter, operator, value(), type)).toBe(expected);
    });

    it("joins filters with or", async () => {
      const items = [
        { filter: "filter:tasks:data.name", operator: "equal", type: "String", value: "Alpha" },
        {
          filter: "filter:tasks:storage_filename",
          operator: "equal",
          type: "String",
          value: "dir/d.jpg",
        },
      ];
      expect(await names({ filters: { conjunction: "or", items } })).toBe("ad");
      expect(await names({ filters: { conjunction: "and", items } })).toBe("");
    });

    it("counts what the filter lets through", async () => {
      const query = JSON.stringify({
        filters: {
          conjunction: "and",
          items: [
            {
              filter: "filter:tasks:total_annotations",
              operator: "greater",
              type: "Number",
              value: 0,
            },
          ],
        },
      });
      const found = await list(project, `&query=${encodeURIComponent(query)}`);
      expect(found).toMatchObject({ total: 1, total_annotations: 1, total_predictions: 0 });
    });

    it("orders as asked, the id last", async () => {
      expect(await names({ ordering: ["tasks:-id"] })).toBe("dcba");
      expect(await names({ ordering: ["-tasks:inner_id"] })).toBe("dcba");
      expect(await names({ ordering: ["tasks:total_annotations"] })).toBe("bcda");
    });

    it("takes the selected items", async () => {
      expect(await names({ selectedItems: { all: false, included: [ids[1]] } })).toBe("b");
      expect(await names({ selectedItems: { all: true, excluded: [ids[1]] } })).toBe("acd");
    });

    it.each([
      "not json",
      "[1]",
      JSON.stringify({
        filters: { items: [{ filter: "filter:tasks:secret", operator: "equal", value: 1 }] },
      }),
      JSON.stringify({
        filters: { items: [{ filter: "filter:tasks:id", operator: "regex", value: "(a+)+$" }] },
      }),
      JSON.stringify({
        filters: { items: [{ filter: "filter:tasks:id", operator: "equal", value: "x" }] },
      }),
      JSON.stringify({ filters: { items: Array.from({ length: 51 }, () => ({})) } }),
      JSON.stringify({
        filters: { items: [{ filter: "filter:tasks:constructor", operator: "equal", value: 1 }] },
      }),
    ])("refuses the query %s with 400", async (query) => {
      const url = `/api/tasks/?project=${String(project)}&query=${encodeURIComponent(query)}`;
      expect(await json({ url }, 400)).toMatchObject({ detail: "Validation error" });
    });
  });

  describe("/api/projects/{id}/tasks/", () => {
    it("lists the last changed task first, as a plain list", async () => {
      const project = await makeProject();
      const url = `/api/projects/${String(project)}/tasks/`;
      expect(await detailOf({ url }, 404)).toBe("Not found.");
      const [first] = idsOf(await importInto(project, [{ image: "a" }, { image: "b" }]));
      await json({
        method: "PATCH",
        url: `/api/tasks/${String(first)}/`,
        payload: { meta: { touched: true } },
      });
      const tasks = await json<Json[]>({ url: `${url}?page_size=-1` });
      expect(tasks.map(({ data }) => data)).toEqual([{ image: "a" }, { image: "b" }]);
      expect(keysOf(tasks[0])).toEqual([
        ...keysOf(sample.taskCreated),
        "annotations",
        "predictions",
      ]);
      expect(await detailOf({ url: `${url}?page=9` }, 404)).toBe("Not found.");
    });

    it("creates one task and deletes all of them", async () => {
      const project = await makeProject();
      const url = `/api/projects/${String(project)}/tasks/`;
      expect(await post(url, { data: { image: "a" } })).toMatchObject({ project, inner_id: 1 });
      await importInto(project, [{ data: { image: "b" }, annotations: [ANNOTATION] }]);
      const synced = await addSyncedTask(project, "k");
      expect((await api().request({ method: "DELETE", url })).statusCode).toBe(204);
      expect((await list(project)).total).toBe(0);
      const object = await api().database.inMaintenance((tx) =>
        tx.sourceObject.findFirstOrThrow({ where: { key: "k" } }),
      );
      expect([synced > 0, object.liveTasks]).toEqual([true, 0]);
    });
  });

  it("hides the tasks of a deleted project", async () => {
    const project = await makeProject();
    const [id] = idsOf(await importInto(project, [{ image: "a" }]));
    await api().request({ method: "DELETE", url: `/api/projects/${String(project)}/` });
    for (const method of ["GET", "PATCH", "DELETE"] as const) {
      const response = await api().request({ method, url: `/api/tasks/${String(id)}/` });
      expect(response.statusCode).toBe(404);
    }
  });
});

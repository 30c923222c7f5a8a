import { describe, expect, it } from "vitest";
import { useApi, type TestRequest } from "./harness.ts";
import { keysOf, sample } from "./fixtures/recorded.ts";

const CATS = sample.labelConfig;
const COUNTERS = [
  "num_tasks_with_annotations",
  "task_number",
  "useful_annotation_number",
  "ground_truth_number",
  "skipped_annotations_number",
  "total_annotations_number",
  "total_predictions_number",
  "finished_task_number",
];

describe("projects", () => {
  const api = useApi("api_projects");

  async function json(options: TestRequest, status = 200): Promise<Record<string, unknown>> {
    const response = await api().request(options);
    expect(response.statusCode, response.body).toBe(status);
    return response.json<Record<string, unknown>>();
  }
  const create = (payload: object, status = 201) =>
    json({ method: "POST", url: "/api/projects/", payload }, status);

  it("answers a create with the keys, order and values of the contract", async () => {
    const project = await create({ title: "Proj1", label_config: CATS });
    expect(keysOf(project)).toEqual(keysOf(sample.project));
    const { id, created_at, created_by, organization, ...rest } = project;
    expect(rest).toEqual({ ...sample.projectWithoutIdentity });
    expect([typeof id, typeof organization]).toEqual(["number", "number"]);
    expect(created_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    expect(created_by).toMatchObject({ email: "owner@example.com", avatar: null });
  });

  it("has null in the counters of the 201 and numbers afterwards", async () => {
    const project = await create({ title: "Counters" });
    for (const name of COUNTERS) expect(project[name]).toBeNull();
    const got = await json({ url: `/api/projects/${String(project["id"])}` });
    expect(keysOf(got)).toEqual(keysOf(sample.project));
    for (const name of COUNTERS) expect(got[name]).toBe(0);
  });

  it("gives every field its default for an empty body", async () => {
    const project = await create({});
    expect(project).toMatchObject({
      title: "",
      label_config: "<View></View>",
      color: "#FFFFFF",
      maximum_annotations: 1,
      show_skip_button: true,
      sampling: "Sequential sampling",
      skip_queue: "REQUEUE_FOR_OTHERS",
      overlap_cohort_percentage: 100,
      config_has_control_tags: false,
    });
  });

  it("reads absent check boxes of a form as false", async () => {
    const response = await api().request({
      method: "POST",
      url: "/api/projects",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      payload: "title=Form&enable_empty_annotation=true",
    });
    expect(response.json()).toMatchObject({
      title: "Form",
      enable_empty_annotation: true,
      show_skip_button: false,
      show_collab_predictions: false,
    });
  });

  it("takes a multipart body", async () => {
    const response = await api().request({
      method: "POST",
      url: "/api/projects/",
      headers: { "content-type": "multipart/form-data; boundary=x" },
      payload: '--x\r\nContent-Disposition: form-data; name="title"\r\n\r\nMultipart\r\n--x--\r\n',
    });
    expect(response.statusCode, response.body).toBe(201);
    expect(response.json<{ title: string }>().title).toBe("Multipart");
  });

  it.each([
    [{ title: "ab" }, { title: ["Ensure this field has at least 3 characters."] }],
    [{ title: "x".repeat(51) }, { title: ["Ensure this field has no more than 50 characters."] }],
    [{ label_config: "<View><Image" }, { label_config: ["unclosed token: line 1, column 6"] }],
    [{ sampling: "never" }, { sampling: ['"never" is not a valid choice.'] }],
    [{ is_published: "maybe" }, { is_published: ["Must be a valid boolean."] }],
    [{ maximum_annotations: "many" }, { maximum_annotations: ["A valid integer is required."] }],
    [
      { title: "a\u0000bc", color: "x".repeat(17) },
      {
        title: ["Null characters are not allowed."],
        color: ["Ensure this field has no more than 16 characters."],
      },
    ],
    [[1], { non_field_errors: ["Invalid data. Expected a dictionary, but got list."] }],
  ])("refuses %j in the contract's words", async (payload, errors) => {
    const body = await create(payload, 400);
    expect(body).toMatchObject({
      status_code: 400,
      detail: "Validation error",
      validation_errors: errors,
    });
    expect(keysOf(body)).toEqual([
      "id",
      "status_code",
      "version",
      "detail",
      "exc_info",
      "validation_errors",
    ]);
  });

  it("takes null for every field and ignores fields it does not know or manages itself", async () => {
    const nulls = Object.fromEntries(keysOf(sample.project).map((name) => [name, null]));
    const project = await create({
      ...nulls,
      id: 77,
      nonsense: 1,
      created_at: "1999-01-01",
      task_number: 5,
    });
    expect(project).toMatchObject({ title: "", maximum_annotations: 1, task_number: null });
    expect(project["id"]).not.toBe(77);
  });

  it("changes only what a PATCH names and derives the data key anew", async () => {
    const { id } = await create({ title: "Before", label_config: CATS, description: "kept" });
    const url = `/api/projects/${String(id)}/`;
    const patched = await json({
      method: "PATCH",
      url,
      payload: { title: "After", color: "#000000" },
    });
    expect(patched).toMatchObject({
      title: "After",
      color: "#000000",
      description: "kept",
      label_config: CATS,
    });
    await json({
      method: "PATCH",
      url,
      payload: { label_config: '<View><Text name="t" value="$text"/></View>' },
    });
    const stored = await api().deps.projects.find(api().owner.organizationId, Number(id));
    expect(stored?.dataKey).toBe("text");
    const put = await json({ method: "PUT", url, payload: { title: "Put" } });
    expect(put).toMatchObject({ title: "Put", color: "#000000", description: "kept" });
  });

  it("never stores or shows the password of a media server", async () => {
    const { id } = await create({ task_data_login: "u", task_data_password: "hunter2-canary" });
    const got = await api().request({ url: `/api/projects/${String(id)}/` });
    const row = await api().database.inMaintenance((tx) =>
      tx.project.findUniqueOrThrow({ where: { id: Number(id) } }),
    );
    expect(got.body + JSON.stringify(row) + api().log()).not.toContain("hunter2");
  });

  it("hides a deleted project at once", async () => {
    const { id } = await create({ title: "Short-lived" });
    const url = `/api/projects/${String(id)}/`;
    expect((await api().request({ method: "DELETE", url })).statusCode).toBe(204);
    for (const method of ["GET", "PATCH", "DELETE"] as const) {
      const response = await api().request({ method, url });
      expect(response.statusCode).toBe(404);
      expect(response.json<{ detail: string }>().detail).toBe(
        "No Project matches the given query.",
      );
    }
  });

  it("ends the runs of a deleted project and hides its storages", async () => {
    const { id } = await create({ title: "With a run" });
    const { organizationId } = api().owner;
    const runId = await api().database.inOrganization(organizationId, async (tx) => {
      const storage = await tx.storage.create({
        data: { organizationId, projectId: Number(id), direction: "source", provider: "s3" },
      });
      const run = await tx.run.create({
        data: {
          organizationId,
          storageId: storage.id,
          number: 1,
          state: "running",
          settingsVersion: 1,
        },
      });
      return run.id;
    });
    await api().request({ method: "DELETE", url: `/api/projects/${String(id)}/` });
    const run = await api().database.inMaintenance((tx) =>
      tx.run.findUniqueOrThrow({ where: { id: runId }, include: { storage: true } }),
    );
    expect(run).toMatchObject({ state: "canceled", errorReason: "storage_deleted" });
    expect(run.storage.deletedAt).not.toBeNull();
  });

  describe("lists", () => {
    async function listAll(query: string): Promise<Record<string, unknown>> {
      return json({ url: `/api/projects/?${query}` });
    }

    it("shows the newest project first, with absolute links", async () => {
      for (const title of ["Paging A", "Paging B", "Paging C"]) await create({ title });
      const first = await listAll("page=1&page_size=2&title=paging");
      expect(keysOf(first)).toEqual(["count", "next", "previous", "results"]);
      expect(first).toMatchObject({
        count: 3,
        previous: null,
        results: [{ title: "Paging C" }, { title: "Paging B" }],
      });
      expect(first["next"]).toBe(
        "http://localhost:80/api/projects/?page=2&page_size=2&title=paging".replace(":80", ""),
      );
      const second = await listAll("page=2&page_size=2&title=paging");
      expect(second).toMatchObject({ next: null, results: [{ title: "Paging A" }] });
      expect(second["previous"]).toBe("http://localhost/api/projects/?page_size=2&title=paging");
    });

    it.each(["page=2&page_size=100&title=nothing-like-it", "page=0", "page=abc", "page=-1"])(
      "answers %s with 404 Invalid page.",
      async (query) => {
        const body = await json({ url: `/api/projects/?${query}` }, 404);
        expect(body["detail"]).toBe("Invalid page.");
      },
    );

    it("has an empty first page rather than a 404", async () => {
      expect(await listAll("title=nothing-like-it")).toEqual({
        count: 0,
        next: null,
        previous: null,
        results: [],
      });
    });

    it("takes page_size=0 for the default and bounds it", async () => {
      expect((await api().request({ url: "/api/projects/?page_size=0" })).statusCode).toBe(200);
      expect((await api().request({ url: "/api/projects/?page_size=1000000" })).statusCode).toBe(
        200,
      );
    });

    it("orders and chooses by id as the SDK asks", async () => {
      const a = await create({ title: "Order one" });
      const b = await create({ title: "Order two" });
      const ids = [a["id"], b["id"]].join(",");
      const listed = await listAll(`ids=${ids}&ordering=title`);
      const unknown = await listAll(`ids=${ids}&ordering=constructor`);
      expect(unknown["results"]).toHaveLength(2);
      expect(listed).toMatchObject({ results: [{ id: a["id"] }, { id: b["id"] }] });
    });
  });
});

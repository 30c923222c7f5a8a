import { beforeAll, describe, expect, it } from "vitest";
import { CAT, makeAnnotating, type Json } from "./fixtures/annotating.ts";
import { makeMemoryStores } from "./fixtures/memory-stores.ts";
import { useApi } from "./harness.ts";

describe("ids that a platform gave", () => {
  const stores = makeMemoryStores();
  const api = useApi("api_external_ids", (deps) => ({ ...deps, stores }));
  const { send, makeProject, annotate } = makeAnnotating(api);
  let project = 0;
  beforeAll(async () => {
    project = await makeProject();
  });
  const data = { image: "http://x/1.png" };
  const make = (fields: object, status = 201): Promise<Json> =>
    send("POST", "/api/tasks/", { project, data, ...fields }, status);
  const complaintsOf = (answer: Json): unknown => answer["validation_errors"];

  it("are kept with a task, shown, and taken once in a project", async () => {
    const task = await make({ external_id: "T/1 ü" });
    expect(task["external_id"]).toBe("T/1 ü");
    const url = `/api/tasks/${String(task["id"])}/`;
    expect(await send("GET", url)).toMatchObject({ external_id: "T/1 ü" });
    expect(complaintsOf(await make({ external_id: "T/1 ü" }, 400))).toEqual({
      external_id: ["Task with this external id already exists in the project."],
    });
    const elsewhere = await makeProject();
    await send("POST", "/api/tasks/", { project: elsewhere, data, external_id: "T/1 ü" });
    expect(await make({})).not.toHaveProperty("external_id");
    expect(await make({ external_id: null })).not.toHaveProperty("external_id");
  });

  it.each([
    ["", "blank"],
    ["x".repeat(256), "255"],
    ["a\nb", "Control"],
    [7, "valid string"],
  ])(
    "are texts of 1 to 255 characters without control characters (%j)",
    async (external_id, complaint) => {
      const refused = complaintsOf(await make({ external_id }, 400)) as Json;
      expect(String(refused["external_id"])).toContain(complaint);
      const { task } = await makeTask();
      const annotation = { result: CAT, external_id };
      await send("POST", `/api/tasks/${String(task)}/annotations/`, annotation, 400);
    },
  );

  it("do not change, since keys of exported objects are made of them", async () => {
    const task = await make({ external_id: "T-2" });
    const url = `/api/tasks/${String(task["id"])}/`;
    await send("PATCH", url, { external_id: "T-2", meta: { a: 1 } });
    const refused = complaintsOf(await send("PATCH", url, { external_id: "T-3" }, 400)) as Json;
    expect(String(refused["external_id"])).toContain("cannot be changed");
    const annotation = await annotate(Number(task["id"]), { external_id: "A-2" });
    const own = `/api/annotations/${String(annotation["id"])}/`;
    expect(await send("PATCH", own, { external_id: "A-2", result: [] })).toMatchObject({
      external_id: "A-2",
    });
    await send("PATCH", own, { external_id: "A-3" }, 400);
    const bare = await annotate(Number(task["id"]));
    await send("PATCH", `/api/annotations/${String(bare["id"])}/`, { external_id: "A-4" }, 400);
  });

  it("come with an import, all of it or nothing", async () => {
    const url = `/api/projects/${String(project)}/import?return_task_ids=true`;
    const items = [{ data, external_id: "I-1" }, { data, external_id: "I-2" }, { data }];
    const imported = await send("POST", url, items);
    const [first] = imported["task_ids"] as number[];
    expect(await send("GET", `/api/tasks/${String(first)}/`)).toMatchObject({ external_id: "I-1" });
    const tasks = async () =>
      (await send("GET", `/api/projects/${String(project)}/`))["task_number"];
    const before = await tasks();
    expect(complaintsOf(await send("POST", url, [{ data }, items[1]], 400))).toEqual({
      external_id: ["Task with this external id already exists in the project."],
    });
    const twice = await send(
      "POST",
      url,
      [
        { data, external_id: "I-3" },
        { data, external_id: "I-3" },
      ],
      400,
    );
    expect(JSON.stringify(twice)).toContain("Error at item 1");
    const wrong = await send("POST", url, [{ data, external_id: "" }], 400);
    expect(JSON.stringify(wrong)).toContain("external_id");
    expect(await tasks()).toBe(before);
  });

  it("are kept with an annotation, and taken once in a project", async () => {
    const { task } = await makeTask();
    const annotation = await annotate(task, { external_id: "A-1" });
    expect(annotation["external_id"]).toBe("A-1");
    const url = `/api/tasks/${String(task)}/annotations/`;
    const refused = await send("POST", url, { result: CAT, external_id: "A-1" }, 400);
    expect(complaintsOf(refused)).toEqual({
      external_id: ["Annotation with this external id already exists in the project."],
    });
    const unique_id = crypto.randomUUID();
    await annotate(task, { unique_id });
    const taken = { result: CAT, unique_id, external_id: "A-9" };
    await send("POST", url, taken, 409);
  });

  async function makeTask(): Promise<{ readonly task: number }> {
    return { task: Number((await make({}))["id"]) };
  }
});

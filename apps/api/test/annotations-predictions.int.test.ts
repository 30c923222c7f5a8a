import { describe, expect, it } from "vitest";
import { CAT, makeAnnotating, type Json } from "./fixtures/annotating.ts";
import { keysOf, sample } from "./fixtures/recorded.ts";
import { useApi } from "./harness.ts";

describe("predictions", () => {
  const api = useApi("api_predictions");
  const { send, makeProject, makeTask, makeTasks, taskOf } = makeAnnotating(api);

  const predict = (task: number, fields: object = {}) =>
    send("POST", "/api/predictions/", { task, result: CAT, ...fields });
  const urlOf = (prediction: Json) => `/api/predictions/${String(prediction["id"])}/`;
  const idsOf = async (query: string) =>
    (await send<Json[]>("GET", `/api/predictions/?${query}`)).map(({ id }) => id);

  it("answers as the contract does, in its order, and counts on the task", async () => {
    const { project, task } = await makeTask();
    const made = await predict(task, { score: 0.4, model_version: "zz" });
    expect(keysOf(made)).toEqual(keysOf(sample.predictionCreated));
    expect(made).toMatchObject({
      result: CAT,
      model_version: "zz",
      created_ago: "0\u00a0minutes",
      score: 0.4,
      cluster: null,
      neighbors: null,
      mislabeling: 0,
      model: null,
      model_run: null,
      task,
      project,
    });
    expect(await taskOf(task)).toMatchObject({ total_predictions: 1 });
  });

  it("lists by task, by project or by both", async () => {
    const { project, task } = await makeTask();
    const [other = 0] = await makeTasks(project, ["b.jpg"]);
    const [one, two] = [await predict(task), await predict(other)];
    expect(await idsOf(`task=${String(task)}`)).toEqual([one["id"]]);
    expect(await idsOf(`project=${String(project)}`)).toEqual([one["id"], two["id"]]);
    expect(await idsOf(`project=${String(project)}&task=${String(other)}`)).toEqual([two["id"]]);
    expect(await idsOf(`task__project=${String(project)}`)).toHaveLength(2);
    expect(await idsOf(`project=${String(project)}&task=abc`)).toEqual([]);
    expect(await idsOf("")).toEqual([]);
  });

  it("gets, changes and deletes one", async () => {
    const { task } = await makeTask();
    const made = await predict(task, { score: 0.4 });
    expect(await send("GET", urlOf(made))).toEqual(made);
    const changed = await send("PATCH", urlOf(made), { result: "dog", model_version: "v2" });
    expect(keysOf(changed)).toEqual(keysOf(sample.predictionCreated));
    expect(changed).toMatchObject({ score: 0.4, model_version: "v2" });
    expect(changed["result"]).toMatchObject([{ value: { choices: ["dog"] } }]);
    await send("PUT", urlOf(made), { task, result: CAT });
    await send("DELETE", urlOf(made));
    expect(await taskOf(task)).toMatchObject({ total_predictions: 0 });
    await send("GET", urlOf(made), undefined, 404);
    const gone = await send("DELETE", urlOf(made), undefined, 404);
    expect(gone["detail"]).toBe("No Prediction matches the given query.");
  });

  it("hides those of a deleted project", async () => {
    const { project, task } = await makeTask();
    const made = await predict(task);
    await send("DELETE", `/api/projects/${String(project)}/`);
    await send("GET", urlOf(made), undefined, 404);
  });

  it.each([
    ["cat", sample.labelConfig, { from_name: "c", type: "choices", value: { choices: ["cat"] } }],
    [
      { choices: ["dog"] },
      sample.labelConfig,
      { from_name: "c", type: "choices", value: { choices: ["dog"] } },
    ],
    [
      3,
      '<View><Text name="i" value="$image"/><Rating name="r" toName="i"/></View>',
      { from_name: "r", type: "rating", value: { rating: 3 } },
    ],
  ])("makes a region of %j", async (result, config, region) => {
    const [task = 0] = await makeTasks(await makeProject(config), ["a.jpg"]);
    const made = await predict(task, { result });
    expect(made["result"]).toEqual([{ ...region, to_name: "i" }]);
  });

  it.each([
    [{ result: CAT }, { task: ["This field is required."] }],
    [{ task: 999_999, result: CAT }, { task: ['Invalid pk "999999" - object does not exist.'] }],
  ])("refuses %j", async (body, errors) => {
    const refused = await send("POST", "/api/predictions/", body, 400);
    expect(refused).toMatchObject({ validation_errors: errors });
  });

  it.each([
    [{}, ["This field is required."]],
    [{ result: { rectangle: 1 } }, [expect.stringContaining("no control tag") as string]],
    [{ result: "a\u0000" }, ["result: Null characters are not allowed."]],
    [{ result: [{ value: "a\u0000" }] }, ["result[0].value: Null characters are not allowed."]],
  ])("refuses the result of %j", async (fields, complaints) => {
    const { task } = await makeTask();
    const refused = await send("POST", "/api/predictions/", { task, ...fields }, 400);
    expect(refused["validation_errors"]).toMatchObject({ result: complaints });
  });

  describe("import into a project", () => {
    const importUrl = (project: number) => `/api/projects/${String(project)}/import/predictions`;

    it("stores a list and counts on the tasks", async () => {
      const project = await makeProject();
      const [one = 0, two = 0] = await makeTasks(project, ["a.jpg", "b.jpg"]);
      const list = [
        { task: one, result: CAT, score: 0.5, model_version: "m" },
        { task: two, result: "dog" },
        { task: one, result: CAT },
      ];
      expect(await send("POST", importUrl(project), list)).toEqual({ created: 3 });
      expect(await taskOf(one)).toMatchObject({ total_predictions: 2 });
      const [first, second] = await send<Json[]>(
        "GET",
        `/api/predictions/?project=${String(project)}`,
      );
      expect(first).toMatchObject({ task: one, score: 0.5, model_version: "m" });
      expect(second).toMatchObject({ task: two, model_version: "undefined" });
      expect(await send("POST", importUrl(project), [])).toEqual({ created: 0 });
    });

    it("stores none of a list with a task of another project", async () => {
      const project = await makeProject();
      const [mine = 0] = await makeTasks(project, ["a.jpg"]);
      const { task: other } = await makeTask();
      const list = [
        { task: mine, result: CAT },
        { task: other, result: CAT },
      ];
      const refused = await send("POST", importUrl(project), list, 400);
      expect(JSON.stringify(refused["validation_errors"])).toContain(String(other));
      expect(await taskOf(mine)).toMatchObject({ total_predictions: 0 });
    });

    it.each([[{}], [[1]], [[{ task: 1 }]], [[{ result: [] }]]])("refuses %j", async (body) => {
      await send("POST", importUrl(await makeProject()), body, 400);
    });
  });
});

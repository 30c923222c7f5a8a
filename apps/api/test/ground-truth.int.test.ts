import { expect, it } from "vitest";
import { CAT, makeAnnotating } from "./fixtures/annotating.ts";
import { makeMemoryStores } from "./fixtures/memory-stores.ts";
import { useApi } from "./harness.ts";

const stores = makeMemoryStores();
const api = useApi("api_ground_truth", (deps) => ({ ...deps, stores }));
const { send, makeTask, annotate, makeTarget } = makeAnnotating(api);

it("changing an annotation into the ground truth takes that from the others of its task, in targets too", async () => {
  const { project, task } = await makeTask();
  const other = await makeTask();
  const elsewhere = await annotate(other.task, { ground_truth: true });
  const target = await makeTarget(project);
  const first = await annotate(task, { ground_truth: true });
  const second = await annotate(task);
  const url = `/api/tasks/${String(task)}/drafts`;
  await send("POST", url, { result: CAT, annotation: first["id"] });
  const truths = async (): Promise<unknown[]> => {
    const shown = await send<{ id: number; ground_truth: boolean }[]>(
      "GET",
      `/api/tasks/${String(task)}/annotations/`,
    );
    return shown.filter((annotation) => annotation.ground_truth).map(({ id }) => id);
  };
  const path = `/api/annotations/${String(second["id"])}/`;
  await send("PATCH", path, { ground_truth: false });
  expect(await truths()).toEqual([first["id"]]);
  expect(await send("PATCH", path, { ground_truth: true })).toMatchObject({ ground_truth: true });
  expect(await truths()).toEqual([second["id"]]);
  const untouched = await send("GET", `/api/annotations/${String(elsewhere["id"])}/`);
  expect(untouched["ground_truth"]).toBe(true);
  const wanted = await api().database.inMaintenance((tx) =>
    tx.delivery.findFirstOrThrow({
      where: { targetId: target, subjectType: "annotation", subjectId: Number(first["id"]) },
    }),
  );
  expect(wanted).toMatchObject({ wantedRevision: 2, state: "pending", wantedOp: "put" });
  const drafts = await send<unknown[]>("GET", url);
  expect(drafts).toHaveLength(1);
});

import { beforeAll, describe, expect, it } from "vitest";
import { makeMemoryStores } from "./fixtures/memory-stores.ts";
import { useApi } from "./harness.ts";

/** `DEFAULT_STORAGE_LIST_LIMIT=2` and `TASK_API_PAGE_SIZE_MAX=3`. */
describe("the operator's limits of lists", () => {
  const stores = makeMemoryStores(["a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.jpg"]);
  const api = useApi("api_list_limits", (deps) => ({
    ...{ ...deps, stores },
    settings: { ...deps.settings, lists: { previewFiles: 2, maxTaskPage: 3 } },
  }));
  let project = 0;
  beforeAll(async () => {
    const request = { method: "POST", url: "/api/projects/", payload: {} } as const;
    project = (await api().request(request)).json<{ id: number }>().id;
    const url = `/api/projects/${String(project)}/import`;
    const payload = Array.from({ length: 5 }, (_, n) => ({ text: String(n) }));
    expect((await api().request({ method: "POST", url, payload })).statusCode).toBe(201);
  });

  it("bound a preview that does not say how many it wants", async () => {
    const preview = async (limit: object) => {
      const payload = { project, bucket: "imgs", ...limit };
      const url = "/api/storages/s3/files";
      const answer = await api().request({ method: "POST", url, payload });
      return answer.json<{ files: { key: string | null }[] }>().files.map(({ key }) => key);
    };
    expect(await preview({})).toEqual(["a.jpg", "b.jpg", null]);
    expect(await preview({ limit: 4 })).toEqual(["a.jpg", "b.jpg", "c.jpg", "d.jpg", null]);
  });

  it("bound every page of tasks", async () => {
    for (const url of [
      `/api/tasks/?project=${String(project)}&page_size=100`,
      `/api/projects/${String(project)}/tasks/?page_size=100`,
    ]) {
      const body = (await api().request({ url })).json<unknown[] | { tasks: unknown[] }>();
      expect(Array.isArray(body) ? body : body.tasks, url).toHaveLength(3);
    }
  });
});

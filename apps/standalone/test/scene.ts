import { AppError } from "@bucketbridge/core";
import { waitFor } from "@bucketbridge/testkit";
import type { Answer, Client, Json } from "./client.ts";

/** A project with one source, through the eyes of a client. */
export interface Scene {
  readonly project: number;
  /** `/api/storages/{type}/{id}` */
  readonly url: string;
  readonly storageId: number;
  /** Asks for a sync on the wire, waits for its end, and gives the storage. */
  sync(): Promise<Json>;
  /** Loads what failed once more, waits for the end, and gives the storage. */
  retryFailed(): Promise<Json>;
  /** Asks for a run and goes on; gives its id. */
  begin(): Promise<number>;
  /** Waits until nothing is under way, and gives the storage. */
  settle(timeoutMs?: number): Promise<Json>;
  /** The newest run. */
  run(): Promise<Json>;
  issues(): Promise<readonly Json[]>;
  /** What the tasks of the project are called: `data.name`, else the object they came from (of a file its name alone). Sorted. */
  tasks(): Promise<readonly string[]>;
  countTasks(): Promise<number>;
}

/** Objects of local files are shown by their absolute paths. */
function shortName(filename: string): string {
  return filename.startsWith("/") ? filename.slice(filename.lastIndexOf("/") + 1) : filename;
}

/** The time limit of the test decides before. */
const SETTLE_TIMEOUT_MS = 120_000;
/** Often enough for people, and cheap enough for two dozen scenes at once. */
const POLL_MS = 200;
const PAGE = 500;

/** Makes a project. */
export async function createProject(client: Client): Promise<number> {
  const { id } = expectOk(await client.call("POST", "/api/projects/", { title: "Faults" }));
  return Number(id);
}

/** Makes a project and a source in it. */
export async function createScene(client: Client, type: string, payload: Json): Promise<Scene> {
  const project = await createProject(client);
  const url = `/api/storages/${type}/`;
  const storage = expectOk(await client.call("POST", url, { project, ...payload }));
  return new OwnScene(client, { project, type, storageId: Number(storage["id"]) });
}

/** The body of an answer that must be a good one. */
export function expectOk({ status, body, text }: Answer): Json {
  if (status >= 200 && status < 300) return body;
  throw new AppError({ code: "internal", message: `answered ${String(status)}: ${text}` });
}

class OwnScene implements Scene {
  readonly project: number;
  readonly storageId: number;
  readonly url: string;
  readonly #client: Client;

  constructor(
    client: Client,
    place: { readonly project: number; readonly type: string; readonly storageId: number },
  ) {
    this.#client = client;
    this.project = place.project;
    this.storageId = place.storageId;
    this.url = `/api/storages/${place.type}/${String(place.storageId)}`;
  }

  async sync(): Promise<Json> {
    expectOk(await this.#client.call("POST", `${this.url}/sync`));
    return this.settle();
  }

  async retryFailed(): Promise<Json> {
    expectOk(await this.#client.call("POST", `${this.#native}/retry-failed`));
    return this.settle();
  }

  async begin(): Promise<number> {
    const { run } = expectOk(await this.#client.call("POST", `${this.#native}/sync`));
    return Number((run as Json)["id"]);
  }

  settle(timeoutMs = SETTLE_TIMEOUT_MS): Promise<Json> {
    return waitFor(
      async () => {
        const answer = await this.#client.call("GET", this.url).catch(() => undefined);
        if (answer === undefined || answer.status >= 500) return undefined;
        const storage = expectOk(answer);
        const isBusy = storage["status"] === "queued" || storage["status"] === "in_progress";
        return isBusy ? undefined : storage;
      },
      { timeoutMs, intervalMs: POLL_MS, what: `the runs of ${this.url} to end` },
    );
  }

  async run(): Promise<Json> {
    const { items } = await this.#get(`/api/v1/runs?storage=${String(this.storageId)}&limit=1`);
    return (items as Json[])[0] ?? {};
  }

  async issues(): Promise<readonly Json[]> {
    const { id } = await this.run();
    const { items } = await this.#get(`/api/v1/runs/${String(id)}/issues?open=true&limit=500`);
    return items as Json[];
  }

  async tasks(): Promise<readonly string[]> {
    const names: string[] = [];
    const total = await this.countTasks();
    for (let page = 1; names.length < total; page++) {
      const size = `page=${String(page)}&page_size=${String(PAGE)}`;
      const { tasks } = await this.#get(`/api/tasks/?project=${String(this.project)}&${size}`);
      for (const { data, storage_filename } of tasks as Json[]) {
        const { name } = data as { readonly name?: string };
        names.push(name ?? shortName(storage_filename as string));
      }
    }
    return names.sort();
  }

  async countTasks(): Promise<number> {
    const { total } = await this.#get(`/api/tasks/?project=${String(this.project)}&page_size=1`);
    return Number(total);
  }

  get #native(): string {
    return `/api/v1/storages/${String(this.storageId)}`;
  }

  async #get(path: string): Promise<Json> {
    return expectOk(await this.#client.call("GET", path));
  }
}

import { AppError } from "@bucketbridge/core";
import { waitFor } from "@bucketbridge/testkit";
import type { Client, Json } from "./client.ts";
import type { S3Place } from "./s3-place.ts";
import { createProject, expectOk } from "./scene.ts";

/** What a target may be made with. */
export interface TargetFields extends Json {
  readonly bucket?: string;
  readonly prefix?: string;
  readonly can_delete_objects?: boolean;
}

const REST_TIMEOUT_MS = 90_000;
/** Cheap enough for two dozen scenes at once. */
const POLL_MS = 250;

/** A project with tasks and annotations, through the eyes of a client; targets are added to it. */
export class ExportScene {
  readonly client: Client;
  readonly project: number;
  readonly tasks: readonly number[];

  private constructor(client: Client, project: number, tasks: readonly number[]) {
    this.client = client;
    this.project = project;
    this.tasks = tasks;
  }

  static async create(client: Client, tasks = 3): Promise<ExportScene> {
    const project = await createProject(client);
    const images = Array.from({ length: tasks }, (_, n) => ({ image: `${String(n)}.jpg` }));
    const url = `/api/projects/${String(project)}/import?return_task_ids=true`;
    const imported = expectOk(await client.call("POST", url, images));
    return new ExportScene(client, project, imported["task_ids"] as number[]);
  }

  async addTarget(place: S3Place, fields: TargetFields = {}): Promise<Target> {
    const { bucket = "out", ...more } = fields;
    const body = { project: this.project, ...place.payload(bucket, more) };
    const made = expectOk(await this.client.call("POST", "/api/storages/export/s3", body));
    return new Target(this.client, Number(made["id"]), place);
  }

  /** One annotation on each task; gives their ids. */
  async annotateAll(note = "first"): Promise<number[]> {
    return Promise.all(this.tasks.map((task) => this.annotate(task, note)));
  }

  async annotate(task: number, note: string): Promise<number> {
    const url = `/api/tasks/${String(task)}/annotations/`;
    const made = expectOk(await this.client.call("POST", url, { result: [{ note }] }));
    return Number(made["id"]);
  }

  async change(annotation: number, note: string): Promise<void> {
    const url = `/api/annotations/${String(annotation)}/`;
    expectOk(await this.client.call("PATCH", url, { result: [{ note }] }));
  }

  async remove(annotation: number): Promise<void> {
    const url = `/api/annotations/${String(annotation)}/`;
    const { status, text } = await this.client.call("DELETE", url);
    if (status !== 204) throw new AppError({ code: "internal", message: `DELETE: ${text}` });
  }
}

/** A target through the eyes of a client, and its bucket. */
export class Target {
  readonly id: number;
  readonly place: S3Place;
  readonly url: string;
  readonly #client: Client;

  constructor(client: Client, id: number, place: S3Place) {
    this.#client = client;
    this.id = id;
    this.place = place;
    this.url = `/api/storages/export/s3/${String(id)}`;
  }

  async show(): Promise<Json> {
    return this.#get(`/api/v1/targets/${String(this.id)}`);
  }

  /** Waits until it is known that the target answers nobody, and gives what is known. */
  outage(): Promise<Json> {
    return this.#until("an outage", async () => {
      const { outage } = await this.show();
      return outage === null ? undefined : (outage as Json);
    });
  }

  async patch(fields: Json): Promise<Json> {
    return expectOk(await this.#client.call("PATCH", this.url, fields));
  }

  async deliveries(query = ""): Promise<readonly Json[]> {
    const { items } = await this.#get(`/api/v1/targets/${String(this.id)}/deliveries?${query}`);
    return items as Json[];
  }

  /** Wants everything again, waits for the end of that run, and gives the storage. */
  async sync(): Promise<Json> {
    expectOk(await this.#client.call("POST", `${this.url}/sync`));
    return this.settled();
  }

  async retryFailed(): Promise<void> {
    const url = `/api/v1/storages/${String(this.id)}/retry-failed`;
    expectOk(await this.#client.call("POST", url));
  }

  /** Waits until no run is under way, and gives the storage. */
  settled(): Promise<Json> {
    return this.#until("its run to end", async () => {
      const storage = await this.#get(this.url);
      const isBusy = storage["status"] === "queued" || storage["status"] === "in_progress";
      return isBusy ? undefined : storage;
    });
  }

  /** Waits until a delivery failed, and gives those that did. */
  failing(code?: string): Promise<readonly Json[]> {
    return this.#until(`a delivery to fail (${code ?? "any code"})`, async () => {
      const failing = await this.deliveries(
        code === undefined ? "failing=true" : `failing=true&code=${code}`,
      );
      return failing.length > 0 ? failing : undefined;
    });
  }

  /** Waits until nothing is wanted or settles any more. */
  async rest(): Promise<void> {
    await this.#until("everything to be delivered", async () => {
      const { counts, items } = await this.#get(
        `/api/v1/targets/${String(this.id)}/deliveries?limit=500`,
      );
      const { pending, failing } = counts as { pending: number; failing: number };
      const settling = (items as Json[]).filter(({ settleAt }) => settleAt !== null);
      return pending + failing + settling.length === 0;
    });
  }

  /** What the bucket holds: the note of each object by its key. */
  bucket(name = "out"): Readonly<Record<string, string>> {
    const { fake } = this.place;
    return Object.fromEntries(
      fake.listKeys(name).map((key) => [key, noteOf(fake.readObject(name, key))]),
    );
  }

  /** Waits until `look` gives something. */
  until<T>(what: string, look: () => Promise<T | undefined | false> | T | undefined | false) {
    return this.#until(what, async () => look());
  }

  async #get(path: string): Promise<Json> {
    return expectOk(await this.#client.call("GET", path));
  }

  #until<T>(what: string, look: () => Promise<T | undefined | false>): Promise<T> {
    return waitFor(
      async () => {
        try {
          return (await look()) || undefined;
        } catch (error) {
          // The API may be away for a moment when a server restarts.
          if (error instanceof AppError || error instanceof TypeError) return undefined;
          throw error;
        }
      },
      {
        timeoutMs: REST_TIMEOUT_MS,
        intervalMs: POLL_MS,
        what: `target ${String(this.id)}: ${what}`,
      },
    );
  }
}

function noteOf(body: Buffer | undefined): string {
  if (body === undefined) return "absent";
  const { result } = JSON.parse(body.toString()) as { result: { note?: string }[] };
  return result[0]?.note ?? "";
}

import { setTimeout as pause } from "node:timers/promises";
import { isAppError } from "@bucketbridge/core";
import type { ExportProject } from "./export-harness.ts";

const DELETE_SHARE = 0.1;
const CREATE_SHARE = 0.1;
/** Some annotations are changed again and again, so that a late write meets a newer one. */
const HOT_SHARE = 0.3;
const HOT = 6;

/** People that save and delete annotations of one project at random, all at once, and the revision behind each note they wrote. */
export class Annotators {
  /** Every save writes a note of its own. */
  readonly revisions = new Map<string, number>();
  readonly #project: ExportProject;
  readonly #tasks: readonly number[];
  readonly #annotations: number[] = [];
  #written = 0;
  #done = 0;

  constructor(project: ExportProject, tasks: readonly number[]) {
    this.#project = project;
    this.#tasks = tasks;
  }

  /** Saves and deletes so far. */
  get done(): number {
    return this.#done;
  }

  /** Those that are changed again and again. */
  get hotIds(): readonly number[] {
    return this.#annotations.slice(0, HOT);
  }

  /** Saves one of them once more. */
  async change(annotationId: number): Promise<void> {
    await this.#save({ annotationId });
  }

  /** One annotation on each task, by `people` at once. */
  async annotateAll(people: number): Promise<void> {
    const left = [...this.#tasks];
    await this.#together(people, async () => {
      for (let taskId = left.pop(); taskId !== undefined; taskId = left.pop()) {
        await this.#save({ taskId });
      }
    });
    this.#done = 0;
  }

  /** `count` saves and deletes, by `people` at once. */
  async work(people: number, count: number): Promise<void> {
    let left = count;
    await this.#together(people, async () => {
      while (left-- > 0) await this.#act();
    });
  }

  /** Waits until that many saves and deletes are done. */
  async reached(count: number): Promise<void> {
    while (this.#done < count) await pause(20);
  }

  async #together(people: number, one: () => Promise<void>): Promise<void> {
    await Promise.all(Array.from({ length: people }, one));
  }

  async #act(): Promise<void> {
    const dice = Math.random();
    const isHot = Math.random() < HOT_SHARE;
    const some = isHot ? this.hotIds : this.#annotations;
    const annotationId = some[randomIndex(some)];
    if (dice < CREATE_SHARE || annotationId === undefined)
      await this.#save({ taskId: this.#tasks[randomIndex(this.#tasks)] ?? 0 });
    else if (dice < CREATE_SHARE + DELETE_SHARE && !isHot) await this.#remove(annotationId);
    else await this.#save({ annotationId });
  }

  async #save(of: { readonly annotationId: number } | { readonly taskId: number }): Promise<void> {
    const note = String(++this.#written);
    try {
      const { id, revision } = await this.#project.save(of, { note });
      this.revisions.set(note, revision);
      if ("taskId" in of) this.#annotations.push(id);
    } catch (error) {
      // Somebody else has just deleted it.
      if (!isAppError(error, "not_found")) throw error;
    }
    this.#done++;
  }

  async #remove(annotationId: number): Promise<void> {
    const index = this.#annotations.indexOf(annotationId);
    const last = this.#annotations.pop();
    if (last !== undefined && index >= 0 && index < this.#annotations.length)
      this.#annotations[index] = last;
    await this.#project.remove(annotationId);
    this.#done++;
  }
}

function randomIndex(list: readonly unknown[]): number {
  return Math.floor(Math.random() * list.length);
}

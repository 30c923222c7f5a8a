import type { FilesClient } from "./client.ts";
import { fetchDirectoryPage, type DirectoryPage } from "./directory-page.ts";
import type { Pending } from "./walk-state.ts";

/** Listings at a time: the service takes 10 requests of one workspace at once, and files are read meanwhile. */
export const MAX_LISTINGS = 8;

/** Pages that were asked for before they were needed. One per walk. */
export class PagesAhead {
  readonly #client: FilesClient;
  readonly #size: number;
  readonly #pages = new Map<string, Promise<DirectoryPage>>();
  readonly #controller = new AbortController();

  constructor(client: FilesClient, size: number) {
    this.#client = client;
    this.#size = size;
  }

  /** Asks for the pages of these directories, as far as there is room. */
  prefetch(pending: readonly Pending[]): void {
    for (const next of pending) {
      const name = nameOf(next);
      if (this.#pages.has(name)) continue;
      if (this.#pages.size >= MAX_LISTINGS) return;
      const page = this.#fetch(next);
      this.#pages.set(name, page);
      // Whoever needs it asks again and hears the reason.
      page.catch(() => this.#pages.delete(name));
    }
  }

  /** The page of a directory. It stays here until `drop`. */
  get(pending: Pending): Promise<DirectoryPage> {
    return this.#pages.get(nameOf(pending)) ?? this.#fetch(pending);
  }

  /** The page was taken over. */
  drop(pending: Pending): void {
    this.#pages.delete(nameOf(pending));
  }

  /** Ends what is on its way. */
  abort(reason?: unknown): void {
    this.#controller.abort(reason);
    this.#pages.clear();
  }

  #fetch({ path, token }: Pending): Promise<DirectoryPage> {
    const segments = path === "" ? [] : path.split("/");
    return fetchDirectoryPage(
      this.#client,
      { segments, token, size: this.#size },
      this.#controller.signal,
    );
  }
}

function nameOf({ path, token }: Pending): string {
  return JSON.stringify([path, token]);
}

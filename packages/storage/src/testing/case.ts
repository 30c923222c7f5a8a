import { isAppError, type ErrorCode } from "@bucketbridge/core";
import { expect } from "vitest";
import { collectBody } from "../body.ts";
import type { OpContext, StorageDriver } from "../driver.ts";
import { ObjectStore } from "../object-store.ts";
import type { PagesOptions } from "../store-requests.ts";
import type { DriverHarness, FetchedUrl, ServiceGap } from "./harness.ts";

/** Groups of the suite, one file each. */
export type CaseGroup =
  "list" | "keys" | "read" | "write" | "presign" | "failure" | "privilege" | "traits";

/** One behaviour that every driver must show. It fails by throwing. */
export interface ConformanceCase {
  readonly group: CaseGroup;
  /** A sentence about behaviour, unique within the suite. */
  readonly name: string;
  /** The service cannot show this behaviour: the case is reported as a gap instead of run. */
  readonly gap?: ServiceGap;
  /** The harness cannot set the scene: the reason, else undefined. */
  missing?(harness: DriverHarness): string | undefined;
  run(t: CaseContext): Promise<void>;
}

/** Keys per page in the suite: small, so that ten keys are more than three pages. */
export const PAGE_KEYS = 3;

/** A context whose signal never fires. */
export const calm: OpContext = { signal: new AbortController().signal };

/** Text as bytes. */
export function toBytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** What a listing gave, all pages together. */
export interface Listed {
  readonly keys: readonly string[];
  readonly sizes: ReadonlyMap<string, number>;
  readonly etags: ReadonlyMap<string, string>;
  readonly pages: number;
}

/** What a case works with: an empty bucket, a driver on it and the store above. */
export class CaseContext {
  readonly harness: DriverHarness;
  readonly driver: StorageDriver;
  readonly store: ObjectStore;

  constructor(harness: DriverHarness, driver: StorageDriver) {
    this.harness = harness;
    this.driver = driver;
    this.store = this.storeOf(driver);
  }

  /** A store as an application would make it. */
  storeOf(driver: StorageDriver, root?: string): ObjectStore {
    const { name, service } = this.harness;
    return new ObjectStore(driver, {
      provider: name,
      place: `${name} on ${service}`,
      root,
      pageSize: PAGE_KEYS,
    });
  }

  /** Writes each key out of band; the body says which key it belongs to. */
  async seed(...keys: readonly string[]): Promise<void> {
    for (const key of keys) await this.harness.seed(key, toBytes(`body of ${key}`));
  }

  async list(options: PagesOptions = {}, store: ObjectStore = this.store): Promise<Listed> {
    const keys: string[] = [];
    const sizes = new Map<string, number>();
    const etags = new Map<string, string>();
    let pages = 0;
    for await (const page of store.pages(options, calm)) {
      pages++;
      expect(page.keys.length, "keys of one page").toBeLessThanOrEqual(options.limit ?? PAGE_KEYS);
      for (const [index, key] of page.keys.entries()) {
        keys.push(key);
        sizes.set(key, page.sizes[index] ?? -1);
        etags.set(key, page.etags[index] ?? "");
      }
    }
    return { keys, sizes, etags, pages };
  }

  /** Keys of a listing in UTF-16 order, for drivers of any order. */
  async sortedKeys(options: PagesOptions = {}): Promise<readonly string[]> {
    return [...(await this.list(options)).keys].sort();
  }

  async readText(key: string, options: Parameters<ObjectStore["read"]>[1] = {}): Promise<string> {
    const { body } = await this.store.read(key, options, calm);
    return new TextDecoder().decode(await collectBody(body));
  }

  /** How a call ends: "resolved", or the code of its error. Whatever it says must be fit for a user's eyes. */
  async outcome(call: Promise<unknown>): Promise<ErrorCode | "resolved"> {
    try {
      await call;
      return "resolved";
    } catch (error) {
      if (!isAppError(error)) throw error;
      this.#assertPresentable(error.message, JSON.stringify(error.context));
      expect(error.op, "the operation that the error names").toMatch(/^storage\./);
      return error.code;
    }
  }

  /** Fetches a signed URL as a browser would, without credentials. */
  async fetch(url: URL, method: "GET" | "HEAD" = "GET"): Promise<FetchedUrl> {
    if (this.harness.fetch !== undefined) return this.harness.fetch(url, method);
    const response = await fetch(url, { method });
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      body: new Uint8Array(await response.arrayBuffer()),
    };
  }

  #assertPresentable(...texts: readonly string[]): void {
    for (const text of texts) {
      for (const secret of this.harness.secrets ?? []) expect(text).not.toContain(secret);
      expect(text).not.toMatch(/X-Amz-Signature=(?!\[)|Authorization:/i);
    }
  }
}

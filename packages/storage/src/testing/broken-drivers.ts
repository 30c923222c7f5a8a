import { collectBody, wrapBody } from "../body.ts";
import { interceptDriver } from "../decorators/intercept.ts";
import type {
  ListPage,
  ListRequest,
  ObjectInfo,
  OpContext,
  ReadResult,
  StorageDriver,
} from "../driver.ts";
import { InjectedFault } from "../memory/faults.ts";
import type { MemoryDriver } from "../memory/memory-driver.ts";
import type { CaseGroup } from "./case.ts";

/** Members that a broken driver has instead of the right ones. */
type Breakage = (memory: MemoryDriver) => Partial<StorageDriver>;

/** A driver with one mistake. */
export function breakDriver(memory: MemoryDriver, breakage: Breakage): StorageDriver {
  return {
    ...interceptDriver(memory, { call: (call, action) => action(call.ctx) }),
    ...breakage(memory),
  };
}

/** Changes what a listing asks for or gives. */
function listing(
  memory: MemoryDriver,
  change: { request?: (request: ListRequest) => ListRequest; page?: (page: ListPage) => ListPage },
): Partial<StorageDriver> {
  const same = <T>(value: T): T => value;
  return {
    listPage: async (request, ctx) =>
      (change.page ?? same)(await memory.listPage((change.request ?? same)(request), ctx)),
  };
}

/** Changes every key that a listing gives. */
function renaming(rename: (key: string) => string): Breakage {
  return (memory) =>
    listing(memory, { page: (page) => ({ ...page, keys: page.keys.map(rename) }) });
}

/** The rows of a page with these indexes. */
function pickRows(page: ListPage, indexes: readonly number[]): ListPage {
  const pick = <T>(column: readonly T[]): T[] => indexes.map((index) => column[index] as T);
  return {
    keys: pick(page.keys),
    sizes: pick(page.sizes),
    etags: pick(page.etags),
    modified: pick(page.modified),
    cursor: page.cursor,
  };
}

/** Drops rows of a page. */
function keepRows(page: ListPage, keep: (index: number) => boolean): ListPage {
  return pickRows(page, [...page.keys.keys()].filter(keep));
}

/** Changes what reading gives. */
function reading(
  memory: MemoryDriver,
  change: (result: ReadResult) => ReadResult | Promise<ReadResult>,
): Partial<StorageDriver> {
  return { read: async (request, ctx) => change(await memory.read(request, ctx)) };
}

const LISTING: Readonly<Record<string, Breakage>> = {
  "gives the first page only": (memory) =>
    listing(memory, { page: (page) => ({ ...page, cursor: undefined }) }),
  "strips the slash of a prefix": (memory) =>
    listing(memory, {
      request: (request) => ({ ...request, prefix: request.prefix.replace(/\/$/, "") }),
    }),
  "ignores the prefix": (memory) =>
    listing(memory, { request: (request) => ({ ...request, prefix: "" }) }),
  "takes a prefix for a folder": (memory) =>
    listing(memory, {
      request: (request) => ({ ...request, prefix: request.prefix.replace(/([^/])$/, "$1/") }),
    }),
  "always starts at the beginning": (memory) =>
    listing(memory, { request: (request) => ({ ...request, cursor: undefined }) }),
  "repeats the last key of a page": (memory) =>
    listing(memory, {
      page: (page) =>
        page.cursor === undefined ? page : { ...page, cursor: `after:${page.keys.at(-2) ?? ""}` },
    }),
  "skips the first key of a page": (memory) =>
    listing(memory, {
      page: (page) => keepRows(page, (index) => index > 0 || page.keys.length === 1),
    }),
  "sorts by UTF-16 units": (memory) => ({
    listPage: async ({ limit, cursor = "0", ...request }, ctx) => {
      const page = await memory.listPage({ ...request, limit: 1_000_000 }, ctx);
      const order = [...page.keys.keys()].sort((a, b) =>
        (page.keys[a] ?? "") < (page.keys[b] ?? "") ? -1 : 1,
      );
      const end = Number(cursor) + limit;
      const rows = pickRows(page, order.slice(Number(cursor), end));
      return end < order.length ? { ...rows, cursor: String(end) } : rows;
    },
  }),
  "is always recursive": (memory) =>
    listing(memory, { request: (request) => ({ ...request, recursive: true }) }),
  "ignores after": (memory) =>
    listing(memory, { request: (request) => ({ ...request, after: undefined }) }),
  "starts at the key instead of after it": (memory) =>
    listing(memory, {
      request: (request) =>
        request.after === undefined ? request : { ...request, after: request.after.slice(0, -1) },
    }),
  "ignores the limit": (memory) =>
    listing(memory, { request: (request) => ({ ...request, limit: 1_000 }) }),
  "keeps its cursors to itself": (memory) => {
    const known = new Map<string, string | undefined>();
    return {
      listPage: async (request, ctx) => {
        const cursor = request.cursor === undefined ? undefined : known.get(request.cursor);
        const page = await memory.listPage({ ...request, cursor }, ctx);
        const token = `page-${String(known.size)}`;
        known.set(token, page.cursor);
        return page.cursor === undefined ? page : { ...page, cursor: token };
      },
    };
  },
  "drops zero-byte objects": (memory) =>
    listing(memory, { page: (page) => keepRows(page, (index) => page.sizes[index] !== 0) }),
  "drops folder markers": (memory) =>
    listing(memory, {
      page: (page) => keepRows(page, (index) => page.keys[index]?.endsWith("/") !== true),
    }),
  "leaves quotes around etags": (memory) =>
    listing(memory, {
      page: (page) => ({ ...page, etags: page.etags.map((etag) => `"${etag}"`) }),
    }),
  "tells no sizes": (memory) =>
    listing(memory, { page: (page) => ({ ...page, sizes: page.sizes.map(() => 0) }) }),
  "forgets a column": (memory) => listing(memory, { page: (page) => ({ ...page, modified: [] }) }),
};

const KEYS: Readonly<Record<string, Breakage>> = {
  "reads a plus as a space": renaming((key) => key.replaceAll("+", " ")),
  "decodes percent escapes": renaming((key) => key.replaceAll("%20", " ").replaceAll("%2F", "/")),
  "leaves XML entities encoded": renaming((key) => key.replaceAll("&", "&amp;")),
  "collapses slashes": renaming((key) => key.replaceAll("//", "/")),
  "drops a leading slash": renaming((key) => key.replace(/^\//, "")),
  "resolves dot segments": renaming((key) => key.replace("/./", "/").replace("a/../", "")),
  "composes letters": renaming((key) => key.normalize("NFC")),
  "trims names": renaming((key) => key.trim()),
  "turns backslashes around": renaming((key) => key.replaceAll("\\", "/")),
  "loses control characters": renaming((key) => key.replaceAll(/[\t\n]/g, "")),
  "claims to refuse odd paths": (memory) => ({ traits: { ...memory.traits, keyForm: "path" } }),
  "takes a query off a key": (memory) => ({
    stat: (key, ctx) => memory.stat(key.split("?")[0] ?? "", ctx),
  }),
};

const READING: Readonly<Record<string, Breakage>> = {
  "takes a missing key for an empty object": (memory) => ({
    read: async (request, ctx) => {
      const { keys } = await memory.listPage(
        { prefix: request.key, recursive: true, limit: 1 },
        ctx,
      );
      if (keys[0] === request.key) return memory.read(request, ctx);
      return { info: { key: request.key, size: 0 }, body: emptyBody() };
    },
  }),
  "ignores the range": (memory) => ({
    read: ({ key, ifEtag }, ctx) => memory.read({ key, ifEtag }, ctx),
  }),
  "takes the end of a range for inclusive": (memory) => ({
    read: ({ range, ...request }, ctx) => {
      if (range?.length === undefined) return memory.read({ ...request, range }, ctx);
      return memory.read({ ...request, range: { ...range, length: range.length + 1 } }, ctx);
    },
  }),
  "tells the size of the part": (memory) => ({
    read: async (request, ctx) => {
      const result = await memory.read(request, ctx);
      const size = request.range?.length ?? result.info.size;
      return { ...result, info: { ...result.info, size } };
    },
  }),
  "answers a range behind the end with nothing": (memory) => ({
    read: async (request, ctx) => {
      const info = await memory.stat(request.key, ctx);
      if ((request.range?.offset ?? 0) < info.size) return memory.read(request, ctx);
      return { info, body: emptyBody() };
    },
  }),
  "tells a wrong size": (memory) => ({
    stat: async (key, ctx): Promise<ObjectInfo> => ({ ...(await memory.stat(key, ctx)), size: 0 }),
  }),
  "takes a folder for an object": (memory) => ({
    stat: async (key, ctx) => {
      const request = { prefix: `${key}/`, recursive: true, limit: 1 };
      const { keys } = await memory.listPage(request, ctx);
      return keys.length > 0 ? { key, size: 0 } : memory.stat(key, ctx);
    },
  }),
  "answers from a cache": (memory) => {
    const cache = new Map<string, ObjectInfo>();
    return {
      stat: async (key, ctx) => {
        const info = cache.get(key) ?? (await memory.stat(key, ctx));
        cache.set(key, info);
        return info;
      },
    };
  },
  "reads everything into memory first": (memory) =>
    reading(memory, async ({ info, body }) => {
      return { info, body: oneChunk(await collectBody(body)) };
    }),
  "loses the end of a body": (memory) =>
    reading(memory, ({ info, body }) => {
      let bytes = 0;
      const pull = async (next: () => Promise<IteratorResult<Uint8Array>>) => {
        const chunk = await next();
        bytes += chunk.done === true ? 0 : chunk.value.byteLength;
        return bytes >= info.size ? { done: true as const, value: undefined } : chunk;
      };
      return { info, body: wrapBody(body, { pull }) };
    }),
  "does not end a request that is given back": (memory) =>
    reading(memory, ({ info, body }) => ({ info, body: withoutReturn(body) })),
  "does not end a request that nobody has read from": (memory) =>
    reading(memory, ({ info, body }) => ({ info, body: generatorOver(body) })),
};

const WRITING: Readonly<Record<string, Breakage>> = {
  "cannot delete what is gone": (memory) => ({
    delete: async (key, ctx) => {
      await memory.stat(key, ctx);
      await memory.delete(key, ctx);
    },
  }),
  "does not delete": () => ({ delete: () => Promise.resolve() }),
  "deletes a whole prefix": (memory) => ({
    delete: async (key, ctx) => {
      const request = { prefix: key.slice(0, -1), recursive: true, limit: 1_000 };
      for (const found of (await memory.listPage(request, ctx)).keys)
        await memory.delete(found, ctx);
    },
  }),
  "ignores the condition": (memory) => ({
    put: ({ key, body }, ctx) => memory.put({ key, body }, ctx),
  }),
  "looks first and writes later": (memory) => ({
    put: async ({ key, body, condition }, ctx) => {
      if (condition?.kind !== "absent") return memory.put({ key, body, condition }, ctx);
      if (await exists(memory, key, ctx)) throw new InjectedFault({ code: "already_exists" });
      return memory.put({ key, body }, ctx);
    },
    classifyError: (error) =>
      error instanceof InjectedFault ? error.class : memory.classifyError(error),
  }),
  "writes in two steps": (memory) => ({
    put: async (request, ctx) => {
      memory.write(request.key, request.body.subarray(0, request.body.byteLength >> 1));
      await new Promise((resolve) => setImmediate(resolve));
      await new Promise((resolve) => setImmediate(resolve));
      return memory.put(request, ctx);
    },
  }),
  "writes text": (memory) => ({
    put: (request, ctx) =>
      memory.put(
        { ...request, body: Buffer.from(Buffer.from(request.body).toString("utf8")) },
        ctx,
      ),
  }),
  "keeps the old content": (memory) => ({
    put: async (request, ctx) =>
      request.condition === undefined && (await exists(memory, request.key, ctx))
        ? memory.stat(request.key, ctx)
        : memory.put(request, ctx),
  }),
  "tells another etag than stat": (memory) => ({
    put: async (request, ctx) => ({ ...(await memory.put(request, ctx)), etag: "other" }),
  }),
};

const SIGNING: Readonly<Record<string, Breakage>> = {
  "signs for ever": (memory) => ({
    presignRead: (key, options, ctx) =>
      memory.presignRead(key, { ...options, ttlSeconds: 9_999_999 }, ctx),
  }),
  "signs GET for HEAD": (memory) => ({
    presignRead: (key, options, ctx) => memory.presignRead(key, { ...options, method: "GET" }, ctx),
  }),
  "signs no content type": (memory) => ({
    presignRead: (key, options, ctx) =>
      memory.presignRead(key, { ...options, contentType: undefined }, ctx),
  }),
  "signs no disposition": (memory) => ({
    presignRead: (key, options, ctx) =>
      memory.presignRead(key, { ...options, disposition: undefined }, ctx),
  }),
  "signs anew each time": (memory) => {
    let signed = 0;
    return {
      presignRead: (key, options, ctx) => {
        signed++;
        return memory.presignRead(
          key,
          { ...options, ttlSeconds: options.ttlSeconds + signed },
          ctx,
        );
      },
    };
  },
  "signs the encoded key": (memory) => ({
    presignRead: (key, options, ctx) => memory.presignRead(encodeURIComponent(key), options, ctx),
  }),
};

const FAILING: Readonly<Record<string, Breakage>> = {
  "explains no error": () => ({ classifyError: () => undefined }),
  "explains every error": (memory) => ({
    classifyError: (error) => memory.classifyError(error) ?? { code: "unavailable" },
  }),
  "takes a missing key for a refusal": (memory) => ({
    classifyError: (error) => {
      const known = memory.classifyError(error);
      return known?.code === "not_found" ? { code: "permission_denied" } : known;
    },
  }),
  "tells the secret": (memory) => ({
    classifyError: (error) => {
      const known = memory.classifyError(error);
      return known === undefined
        ? undefined
        : { ...known, detail: `key ${BROKEN_DRIVER_SECRET} was not accepted` };
    },
  }),
  "closes only once": () => {
    let closed = 0;
    return {
      close: () =>
        closed++ > 0 ? Promise.reject(new InjectedFault({ code: "internal" })) : Promise.resolve(),
    };
  },
};

const TRAITS: Readonly<Record<string, Breakage>> = {
  "claims equal etags for equal bytes": (memory) => ({
    traits: { ...memory.traits, etag: "content" },
  }),
  "claims to have no etags": (memory) => ({ traits: { ...memory.traits, etag: "none" } }),
  "claims an order that it lacks": (memory) => ({
    listPage: async (request, ctx) => {
      const page = await memory.listPage(request, ctx);
      return {
        ...page,
        keys: page.keys.toReversed(),
        sizes: page.sizes.toReversed(),
        etags: page.etags.toReversed(),
      };
    },
  }),
  "ignores the wanted version": (memory) => ({
    read: ({ key, range }, ctx) => memory.read({ key, range }, ctx),
  }),
  "cuts long keys": (memory) => ({
    read: (request, ctx) => memory.read({ ...request, key: request.key.slice(0, 500) }, ctx),
  }),
  "claims longer keys than it takes": (memory) => ({
    traits: { ...memory.traits, maxKeyBytes: 2_000 },
    read: (request, ctx) =>
      request.key.length > 700
        ? Promise.reject(new InjectedFault({ code: "invalid_input" }))
        : memory.read(request, ctx),
  }),
};

const GREEDY: Readonly<Record<string, Breakage>> = {
  "opens what it lists": (memory) => ({
    listPage: async (request, ctx) => {
      const page = await memory.listPage(request, ctx);
      for (const key of page.keys) await memory.stat(key, ctx);
      return page;
    },
  }),
  "looks before it writes": (memory) => ({
    put: async (request, ctx) => {
      await memory.listPage({ prefix: request.key, recursive: true, limit: 1 }, ctx);
      return memory.put(request, ctx);
    },
  }),
};

/** A secret of the harness that must not come out. */
export const BROKEN_DRIVER_SECRET = "s3cr3t-of-the-tenant";

/** Mistakes that drivers are known for, by the group of cases that must catch them and what they do wrong. */
export const BROKEN_DRIVERS: Readonly<Record<CaseGroup, Readonly<Record<string, Breakage>>>> = {
  list: LISTING,
  keys: KEYS,
  read: READING,
  write: WRITING,
  presign: SIGNING,
  failure: FAILING,
  privilege: GREEDY,
  traits: TRAITS,
};

async function exists(memory: MemoryDriver, key: string, ctx: OpContext): Promise<boolean> {
  const { keys } = await memory.listPage({ prefix: key, recursive: true, limit: 1 }, ctx);
  return keys[0] === key;
}

async function* emptyBody(): AsyncGenerator<Uint8Array> {
  // No chunk at all.
}

async function* oneChunk(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.byteLength > 0) yield await Promise.resolve(bytes);
}

/** An async generator never starts, and so never ends its source, when it is returned before its first chunk. */
async function* generatorOver(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* body;
}

function withoutReturn(body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const chunks = body[Symbol.asyncIterator]();
  return { [Symbol.asyncIterator]: () => ({ next: () => chunks.next() }) };
}

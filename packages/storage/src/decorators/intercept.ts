import type { OpContext, ReadResult, StorageDriver } from "../driver.ts";

/** A driver method as decorators see it. A conditional put is named apart: unlike all others it cannot be repeated. */
export type CallName =
  "listPage" | "stat" | "read" | "put" | "putConditional" | "delete" | "presignRead";

/** One call of a driver on its way through a decorator. */
export interface DriverCall {
  readonly method: CallName;
  /** The key, for a listing its prefix. */
  readonly subject: string;
  readonly ctx: OpContext;
}

/** What a decorator does around the calls of a driver. */
export interface Interceptor {
  /** Around each call. `action` may be called again, each time with the context that the driver shall see. */
  call<T>(call: DriverCall, action: (ctx: OpContext) => Promise<T>): Promise<T>;
  /** Around `read`, whose body outlives the call. Absent: `call` does it. */
  read?(call: DriverCall, action: (ctx: OpContext) => Promise<ReadResult>): Promise<ReadResult>;
}

type Members = { readonly [K in keyof Required<StorageDriver>]: StorageDriver[K] };

/**
 * The base of every decorator: a driver that sends the calls of `inner` through `around`. Absent methods stay absent;
 * `traits`, `classifyError` and `close` are those of `inner`. `satisfies Members` names every member, so that a new
 * method of `StorageDriver` fails the build here until it is forwarded.
 */
export function interceptDriver(inner: StorageDriver, around: Interceptor): StorageDriver {
  const put = inner.put?.bind(inner);
  const remove = inner.delete?.bind(inner);
  const presignRead = inner.presignRead?.bind(inner);
  const aroundRead = around.read?.bind(around) ?? around.call.bind(around);
  const members = {
    traits: inner.traits,
    listPage: (request, ctx) =>
      around.call({ method: "listPage", subject: request.prefix, ctx }, (own) =>
        inner.listPage(request, own),
      ),
    stat: (key, ctx) =>
      around.call({ method: "stat", subject: key, ctx }, (own) => inner.stat(key, own)),
    read: (request, ctx) =>
      aroundRead({ method: "read", subject: request.key, ctx }, (own) => inner.read(request, own)),
    put:
      put &&
      ((request, ctx) => {
        const method = request.condition === undefined ? "put" : "putConditional";
        return around.call({ method, subject: request.key, ctx }, (own) => put(request, own));
      }),
    delete:
      remove &&
      ((key, ctx) =>
        around.call({ method: "delete", subject: key, ctx }, (own) => remove(key, own))),
    presignRead:
      presignRead &&
      ((key, options, ctx) =>
        around.call({ method: "presignRead", subject: key, ctx }, (own) =>
          presignRead(key, options, own),
        )),
    classifyError: (error) => inner.classifyError(error),
    close: () => inner.close(),
  } satisfies Members;
  return withoutAbsent(members);
}

/** Drops members that are undefined, so that `"put" in driver` and `driver.put === undefined` agree. */
function withoutAbsent({ put, delete: remove, presignRead, ...required }: Members): StorageDriver {
  return {
    ...required,
    ...(put === undefined ? {} : { put }),
    ...(remove === undefined ? {} : { delete: remove }),
    ...(presignRead === undefined ? {} : { presignRead }),
  };
}

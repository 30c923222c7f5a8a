import type { RouteOptions } from "fastify";
import { beforeAll, describe, expect, it } from "vitest";
import { isAllowed, isMembersOnly, ROLES, type Role } from "../src/permissions.ts";
import { AccessWorld, thingsOf } from "./fixtures/access-world.ts";
import { openTestBoard } from "./fixtures/board.ts";
import { makeMemoryStores } from "./fixtures/memory-stores.ts";
import { addPerson } from "./fixtures/people.ts";
import { useApi, type TestMember } from "./harness.ts";

interface Route {
  readonly method: string;
  readonly url: string;
  readonly config: NonNullable<RouteOptions["config"]>;
}

interface Caller {
  readonly name: string;
  /** Undefined: anonymous. */
  readonly role: Role | undefined;
  readonly member: TestMember | undefined;
  /** False: nothing of the first organisation is his. */
  readonly isInside: boolean;
  /** False: of the first organisation, but no member of the project. */
  readonly isMember: boolean;
}

/** What an answer means for access, whatever else it says. */
type Verdict = "open" | "unauthenticated" | "forbidden" | "absent" | "allowed";

/** One request of the matrix, and what the route table promises for it. */
interface Cell {
  readonly caller: Caller;
  readonly ids: "own" | "foreign" | "none";
  readonly expected: Verdict;
}

/** Answers other than success to people who may, because of what was asked and not of who asked; each with its reason. */
const ODD_FOR_ALL: Readonly<Record<string, string>> = {
  "GET /admin/queues/api/redis/stats": "the board hides its server: 403",
  "GET /admin/queues/static/*":
    "there is no such file, and the one handler of those asks for a token",
  "GET /tasks/:id/resolve/": "no reference is named",
  "GET /tasks/:id/presign/": "no reference is named",
  "GET /projects/:id/resolve/": "no reference is named",
  "GET /projects/:id/presign/": "no reference is named",
  "GET /data/local-files/": "serving files is off here",
  "GET /data/upload/:id/:fileName": "nothing was uploaded",
  "GET /data/avatars/:fileName": "nobody has a picture",
  "POST /api/users/:id/avatar/": "people change their own picture alone, and none is sent",
  "DELETE /api/users/:id/avatar/": "people change their own picture alone",
  "GET /storage-data/uploaded/": "no file is named",
  "GET /api/projects/:id/exports/:exportId/download": "no worker has written it",
  "GET /api/tasks/": "no project is named",
  "DELETE /api/v1/projects/:id/label-studio-webhook": "the project has none",
  "GET /api/v1/runs/:id/dry-run": "the run is a sync",
  "GET /api/v1/targets/:id/findings": "the target was never compared",
  "PATCH /api/users/:id/": "people rename themselves alone",
  "DELETE /api/projects/:id/members/": "no member is named",
  "POST /api/dm/actions/": "no action is named",
  "GET /api/dm/actions/": "no project is named",
};

describe("access", () => {
  const stores = makeMemoryStores();
  const api = useApi("api_access", async (deps, url) => ({
    ...deps,
    stores,
    health: { ...deps.health, board: await openTestBoard(url) },
  }));
  const callers: Caller[] = [];
  const worlds = new Map<Caller, AccessWorld>();
  let foreign: AccessWorld;
  /** Makes the things; the callers ask for new tokens and may remove each other. */
  let maker: TestMember;

  beforeAll(async () => {
    const person = async (role: Role, name: string, isMember: boolean) => {
      const email = `${name.replaceAll(" ", ".")}@example.com`;
      const member = role === "owner" ? api().owner : await addPerson(api(), role, { email });
      callers.push({ name, role, member, isInside: true, isMember });
    };
    for (const role of ROLES) await person(role, role, true);
    await person("annotator", "annotator outside the project", false);
    maker = await addPerson(api(), "owner", { email: "maker@example.com" });
    const elsewhere = await makeElsewhere();
    callers.push({
      ...{ name: "other organisation", role: "owner", member: elsewhere },
      ...{ isInside: false, isMember: false },
    });
    callers.push({
      ...{ name: "anonymous", role: undefined, member: undefined },
      ...{ isInside: false, isMember: false },
    });
    for (const caller of callers) worlds.set(caller, makeWorld(caller));
    foreign = new AccessWorld(api(), api().stranger);
  });

  async function makeElsewhere(): Promise<TestMember> {
    const { id: organizationId } = await api().database.inMaintenance((tx) =>
      tx.organization.create({ data: { title: "Third" } }),
    );
    return addPerson(api(), "owner", { email: "third@third.example", organizationId });
  }

  /** Things of the first organisation; annotations and drafts are the caller's own where he can have some. */
  function makeWorld({ member, isInside, isMember }: Caller): AccessWorld {
    const members = callers.flatMap((caller) =>
      caller.isMember && caller.member !== undefined ? [caller.member] : [],
    );
    const isAuthor = member !== undefined && isInside && isMember;
    return new AccessWorld(api(), maker, {
      members,
      ...(isAuthor ? { author: member } : {}),
    });
  }

  const routes = (): Route[] =>
    api()
      .app.routeTable.flatMap(({ method, url, config }) =>
        [method].flat().map((one) => ({ method: one, url, config: config ?? {} })),
      )
      .filter(({ method }) => method !== "HEAD");

  it(
    `is as declared for every route, caller and id, at least ${String(MIN_CELLS)} cells`,
    async () => {
      const wrong: string[] = [];
      let cells = 0;
      for (const route of routes()) {
        const row = cellsOf(route, callers);
        const answers = await askAll(route, row);
        cells += row.length;
        wrong.push(...row.flatMap((cell, index) => judge(route, cell, answers[index] ?? 0)));
      }
      expect(wrong).toEqual([]);
      expect(cells).toBeGreaterThanOrEqual(MIN_CELLS);
    },
    MATRIX_TIMEOUT_MS,
  );

  /** Readers do not disturb each other. */
  async function askAll(route: Route, row: readonly Cell[]): Promise<readonly number[]> {
    if (route.method === "GET") return Promise.all(row.map((cell) => ask(route, cell)));
    const answers = [];
    for (const cell of row) answers.push(await ask(route, cell));
    return answers;
  }

  async function ask(route: Route, { caller, ids, expected }: Cell): Promise<number> {
    const { method, url } = route;
    const response = await api().app.inject({
      method: method as "GET",
      url: await (await worldOf(route, caller, ids, expected)).fill(url),
      headers: credentials(route, caller),
      ...bodyOf(method, url),
    });
    // The worlds hold the same object, and make things in the caller's name.
    if (url === "/api/current-user/reset-token/" && response.statusCode === 201)
      Object.assign(caller.member ?? {}, response.json());
    return response.statusCode;
  }

  /** What an allowed request destroys is made for it alone. */
  async function worldOf(
    { method }: Route,
    caller: Caller,
    ids: Cell["ids"],
    expected: Verdict,
  ): Promise<AccessWorld> {
    if (ids === "foreign") return foreign;
    if (method === "DELETE" && expected === "allowed") return makeWorld(caller);
    const world = worlds.get(caller);
    return Promise.resolve(world ?? makeWorld(caller));
  }
});

/** Grows with the routes; a smaller number means that some are no longer looked at. */
const MIN_CELLS = 2_328;
/** About 20 s on a quiet machine: some 2,300 requests, and what they destroy is made again. */
const MATRIX_TIMEOUT_MS = 240_000;

function cellsOf({ url, config }: Route, callers: readonly Caller[]): readonly Cell[] {
  const isNamed = thingsOf(url).length > 0;
  return callers.flatMap((caller): Cell[] => {
    if (config.public === true)
      return [{ caller, ids: isNamed ? "own" : "none", expected: "open" }];
    if (!isNamed) return [{ caller, ids: "none", expected: verdictOf(config, caller, "none") }];
    return (["own", "foreign"] as const).map((ids) => ({
      caller,
      ids,
      expected: verdictOf(config, caller, ids),
    }));
  });
}

/** The rules of the table: who are you, may your role, is it yours. */
function verdictOf(
  { permission, within }: Route["config"],
  caller: Caller,
  ids: Cell["ids"],
): Verdict {
  if (caller.role === undefined) return "unauthenticated";
  if (permission === undefined || !isAllowed(caller.role, permission)) return "forbidden";
  if (ids === "none") return "allowed";
  if (ids === "foreign" || !caller.isInside) return "absent";
  const isOutside = within !== "organization" && isMembersOnly(caller.role) && !caller.isMember;
  return isOutside ? "absent" : "allowed";
}

/** What is wrong with an answer; nothing when it is as promised. */
function judge(route: Route, { caller, ids, expected }: Cell, status: number): readonly string[] {
  const { method, url } = route;
  const isBoard = url.startsWith("/admin/");
  const isFine = ((): boolean => {
    switch (expected) {
      case "unauthenticated":
        return status === 401;
      case "forbidden":
        return status === 403;
      case "absent":
        return status === 404;
      case "open":
        return status !== 403 && status < 500;
      case "allowed":
        if (`${method} ${url}` in ODD_FOR_ALL) return status < 500;
        return status < 500 && !(isBoard ? [401, 403] : [401, 403, 404, 405]).includes(status);
    }
  })();
  return isFine
    ? []
    : [`${method} ${url} · ${caller.name} · ${ids} id: ${String(status)}, not ${expected}`];
}

function credentials({ config }: Route, { member }: Caller): Record<string, string> {
  if (member === undefined) return {};
  const { token } = member;
  return {
    authorization:
      config.scheme === "page"
        ? `Basic ${Buffer.from(`me:${token}`).toString("base64")}`
        : `Token ${token}`,
  };
}

function bodyOf(method: string, url: string): { readonly payload?: object | string } {
  // The native API refuses fields that it does not know before it looks for anything.
  if (url.startsWith("/api/v1/")) return method === "GET" ? {} : { payload: {} };
  return ["POST", "PUT", "PATCH"].includes(method)
    ? { payload: { data: {}, label_config: "<View/>", title: "Changed", result: [] } }
    : {};
}

import { randomUUID } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import type { Role } from "../src/permissions.ts";
import { addPerson } from "./fixtures/people.ts";
import { useApi, type TestMember, type TestRequest } from "./harness.ts";

type Json = Record<string, unknown>;

describe("people", () => {
  const api = useApi("api_people");
  const people: Partial<Record<Role, TestMember>> = {};
  let memberships = "";

  beforeAll(async () => {
    memberships = `/api/organizations/${String(api().owner.organizationId)}/memberships`;
    people.owner = api().owner;
    for (const role of ["admin", "manager", "reviewer", "annotator"] as const)
      people[role] = await addPerson(api(), role);
  });

  async function call(options: TestRequest, status: number, by?: Role): Promise<Json> {
    const { token } = people[by ?? "owner"] ?? api().owner;
    const response = await api().request({ token, ...options });
    expect(response.statusCode, response.body).toBe(status);
    return response.body === "" ? {} : response.json<Json>();
  }
  const setRole = (user_id: number, role: string, status: number, by?: Role) =>
    call({ method: "PATCH", url: memberships, payload: { user_id, role } }, status, by);
  const remove = (userId: number, status: number, by?: Role) =>
    call({ method: "DELETE", url: `${memberships}/${String(userId)}/` }, status, by);
  const newPerson = (role: Role) =>
    addPerson(api(), role, { email: `${randomUUID()}@example.com` });

  describe("as members of an organisation", () => {
    it("are listed with role and page, for managers and up", async () => {
      const list = await call({ url: `${memberships}?page_size=2` }, 200, "manager");
      expect(list).toMatchObject({ count: 5, previous: null });
      expect(list["next"]).toContain("page=2");
      const past = await call({ url: `${memberships}?page=9` }, 200);
      expect(past).toMatchObject({ count: 5, next: null, results: [] });
      const [first] = list["results"] as Json[];
      expect(first).toMatchObject({
        id: api().owner.userId,
        organization: api().owner.organizationId,
        role: "OW",
        user: { email: "owner@example.com", first_name: "", avatar: null },
      });
      for (const role of ["reviewer", "annotator"] as const)
        await call({ url: memberships }, 403, role);
    });

    it("are found by a part of their name or address and by role", async () => {
      const emails = async (query: string) =>
        ((await call({ url: `${memberships}?${query}` }, 200))["results"] as Json[]).map(
          ({ user }) => (user as Json)["email"],
        );
      expect(await emails("search=REVIEW")).toEqual(["reviewer@example.com"]);
      expect(await emails("search=%25")).toEqual([]);
      expect(await emails("role=AD,MA")).toEqual(["admin@example.com", "manager@example.com"]);
    });

    it("are not there for another organisation, not even by their ids", async () => {
      const { stranger } = api();
      const own = `/api/organizations/${String(stranger.organizationId)}/memberships`;
      const id = String(people.admin?.userId);
      const { token } = stranger;
      await call({ url: memberships, token }, 404);
      await call({ url: `${own}/${id}/`, token }, 404);
      await call({ method: "DELETE", url: `${own}/${id}/`, token }, 404);
      const change = { user_id: Number(id), role: "AN" };
      await call({ method: "PATCH", url: own, payload: change, token }, 404);
      await call({ url: `/api/users/${id}/`, token }, 404);
      expect((await call({ url: `${memberships}/${id}/` }, 200))["role"]).toBe("AD");
    });

    it("get another role from owners and admins alone, and it counts at once", async () => {
      const { userId, token } = await newPerson("annotator");
      await setRole(userId, "MA", 403, "manager");
      const create = { method: "POST", url: "/api/projects/", payload: {}, token } as const;
      await call(create, 403);
      expect(await setRole(userId, "MA", 200, "admin")).toMatchObject({ id: userId, role: "MA" });
      await call(create, 201);
      for (const role of ["DI", "owner", 7])
        expect(await setRole(userId, role as string, 400)).toMatchObject({
          validation_errors: { role: [`"${String(role)}" is not a valid choice.`] },
        });
    });

    it("become owners, and stop being owners, by owners alone", async () => {
      const { userId } = await newPerson("manager");
      await setRole(userId, "OW", 403, "admin");
      await setRole(userId, "OW", 200);
      await setRole(userId, "AN", 403, "admin");
      await remove(userId, 403, "admin");
      await setRole(userId, "AN", 200);
    });

    it("never lose the last owner, also when two owners remove each other at once", async () => {
      const { userId } = api().owner;
      expect(await setRole(userId, "AD", 400)).toMatchObject({
        detail: "The organization would have no owner left. Make somebody else an owner first.",
      });
      await remove(userId, 400);
      const { id: organizationId } = await api().database.inMaintenance((tx) =>
        tx.organization.create({ data: { title: "Two owners" } }),
      );
      const owner = () =>
        addPerson(api(), "owner", { email: `${randomUUID()}@x.example`, organizationId });
      const ids = [(await owner()).userId, (await owner()).userId];
      const outcomes = await Promise.all(
        ids.map((id) => api().deps.members.remove(organizationId, { userId: id, isByOwner: true })),
      );
      expect(outcomes.toSorted()).toEqual(["done", "last_owner"]);
    });

    it("lose their tokens and projects with their membership, and keep what they made", async () => {
      const { userId, token } = await newPerson("manager");
      const project = await call(
        { method: "POST", url: "/api/projects/", payload: {}, token },
        201,
      );
      await remove(userId, 204, "admin");
      await call({ url: "/api/projects/", token }, 401);
      await call({ url: `${memberships}/${String(userId)}/` }, 404);
      const kept = await call({ url: `/api/projects/${String(project["id"])}/` }, 200);
      expect(kept["created_by"]).toBeNull();
      await remove(userId, 404);
    });
  });

  describe("as users", () => {
    it("are made by admins as annotators, once per address whatever its case", async () => {
      const body = { email: "New@Example.com", first_name: "Ada", username: "ignored" };
      await call({ method: "POST", url: "/api/users/", payload: body }, 403, "manager");
      const made = await call({ method: "POST", url: "/api/users/", payload: body }, 201, "admin");
      expect(made).toMatchObject({ email: "new@example.com", first_name: "Ada", initials: "A" });
      const again = { ...body, email: "nEw@example.com" };
      expect(await call({ method: "POST", url: "/api/users/", payload: again }, 400)).toMatchObject(
        { validation_errors: { email: ["user with this email address already exists."] } },
      );
      const strangers = { email: api().stranger.email };
      await call({ method: "POST", url: "/api/users/", payload: strangers }, 400);
      const listed = await api().request({ url: "/api/users/" });
      expect(listed.body).toContain("new@example.com");
      expect(listed.body).not.toContain(api().stranger.email);
      await call({ method: "DELETE", url: `/api/users/${String(made["id"])}/` }, 204);
      await call({ method: "POST", url: "/api/users/", payload: body }, 201);
    });

    it("need an address and a password of ten characters, if any", async () => {
      for (const [payload, field] of [
        [{}, "email"],
        [{ email: "nobody" }, "email"],
        [{ email: "a@example.com", password: "short" }, "password"],
      ] as const) {
        const answer = await call({ method: "POST", url: "/api/users/", payload }, 400);
        expect(Object.keys(answer["validation_errors"] as Json)).toEqual([field]);
      }
    });

    it("rename themselves and nobody else", async () => {
      const own = `/api/users/${String(people.annotator?.userId)}/`;
      const payload = { first_name: "Anna", last_name: "Tator", email: "evil@example.com" };
      const renamed = await call({ method: "PATCH", url: own, payload }, 200, "annotator");
      expect(renamed).toMatchObject({
        ...{ first_name: "Anna", last_name: "Tator", initials: "AT" },
        email: "annotator@example.com",
      });
      await call({ method: "PATCH", url: own, payload }, 403, "admin");
      await call({ method: "PATCH", url: own, payload }, 404, "reviewer");
    });
  });

  describe("as members of a project", () => {
    it("are added, listed and taken away by managers", async () => {
      const project = await call({ method: "POST", url: "/api/projects/", payload: {} }, 201);
      const url = `/api/projects/${String(project["id"])}`;
      const user = people.annotator?.userId ?? 0;
      await call({ url: `${url}/` }, 404, "annotator");
      const add = { method: "POST", url: `${url}/members/`, payload: { user } } as const;
      await call(add, 403, "reviewer");
      expect(await call(add, 201, "manager")).toEqual({ user });
      await call(add, 201);
      await call({ url: `${url}/` }, 200, "annotator");
      const list = await call({ url: `${url}/members/paginated/` }, 200);
      expect(list).toMatchObject({ count: 1, results: [{ id: user, project_role: "AN" }] });
      await call({ method: "DELETE", url: `${url}/members/?user=${String(user)}` }, 204);
      await call({ method: "DELETE", url: `${url}/members/?user=${String(user)}` }, 404);
      await call({ method: "DELETE", url: `${url}/members/` }, 400);
      await call({ url: `${url}/` }, 404, "annotator");
    });

    it("come from the project's organisation", async () => {
      const project = await call({ method: "POST", url: "/api/projects/", payload: {} }, 201);
      const payload = { user: api().stranger.userId };
      const url = `/api/projects/${String(project["id"])}/members/`;
      expect(await call({ method: "POST", url, payload }, 400)).toMatchObject({
        validation_errors: {
          user: [`Invalid pk "${String(payload.user)}" - object does not exist.`],
        },
      });
    });
  });

  describe("who are invited", () => {
    const invite = (payload: Json, status: number, by?: Role) =>
      call({ method: "POST", url: "/api/v1/invitations", payload }, status, by);
    const accept = (payload: Json, status: number) =>
      call({ method: "POST", url: "/api/v1/invitations/accept", payload, token: null }, status);
    const password = "correct horse battery";

    it("become members with a link that works once", async () => {
      const made = await invite({ email: "Guest@Example.com", role: "reviewer" }, 201, "admin");
      expect(made).toMatchObject({ email: "guest@example.com", role: "reviewer" });
      const token = String(made["token"]);
      expect(String(made["url"])).toMatch(new RegExp(`/invitation#${token}$`));
      const both = await Promise.all(
        [1, 2].map(() =>
          api().request({
            method: "POST",
            url: "/api/v1/invitations/accept",
            payload: { token, firstName: "Gus", password },
            token: null,
          }),
        ),
      );
      expect(both.map(({ statusCode }) => statusCode).toSorted()).toEqual([201, 404]);
      const list = await call({ url: `${memberships}?search=guest@` }, 200);
      expect(list["results"]).toMatchObject([{ role: "RE", user: { first_name: "Gus" } }]);
      const [row] = await api().database.inMaintenance((tx) => tx.userPassword.findMany());
      expect(row?.hash).toMatch(/^scrypt\$/);
    });

    it("hold a token that is stored as its hash alone and shown once", async () => {
      const { token } = await invite({ email: "once@example.com", role: "annotator" }, 201);
      const list = await api().request({ url: "/api/v1/invitations" });
      expect(list.body).toContain("once@example.com");
      expect(list.body).not.toContain(String(token));
      const rows = await api().database.inMaintenance((tx) => tx.invitation.findMany());
      expect(JSON.stringify(rows)).not.toContain(String(token));
      expect(api().log()).not.toContain(String(token));
    });

    it("are let in by no link that is unknown, replaced, taken back or expired", async () => {
      const first = await invite({ email: "late@example.com", role: "annotator" }, 201);
      const second = await invite({ email: "late@example.com", role: "annotator" }, 201);
      await accept({ token: first["token"], password }, 404);
      await call({ method: "DELETE", url: `/api/v1/invitations/${String(second["id"])}` }, 204);
      await call({ method: "DELETE", url: `/api/v1/invitations/${String(second["id"])}` }, 404);
      await accept({ token: second["token"], password }, 404);
      const third = await invite({ email: "late@example.com", role: "annotator" }, 201);
      const id = third["id"] as number;
      await api().database.inMaintenance((tx) =>
        tx.invitation.update({ where: { id }, data: { expiresAt: new Date(Date.now() - 1_000) } }),
      );
      await accept({ token: third["token"], password }, 404);
      await accept({ token: "x".repeat(43), password }, 404);
      await accept({ token: third["token"], password: "short" }, 400);
    });

    it("are no members yet, and belong to no other organisation", async () => {
      const known = { email: "ADMIN@example.com", role: "annotator" };
      expect(await invite(known, 409)).toMatchObject({
        detail: "this address is a member already",
      });
      const foreign = await invite({ email: api().stranger.email, role: "annotator" }, 201);
      expect(await accept({ token: foreign["token"], password }, 409)).toMatchObject({
        code: "already_exists",
      });
    });

    it("are invited by owners and admins, and as owners by owners alone", async () => {
      const guest = { email: "boss@example.com", role: "owner" };
      await invite(guest, 403, "manager");
      await invite(guest, 403, "admin");
      await invite(guest, 201);
      await invite({ email: "boss@example.com", role: "king" }, 400);
      await invite({ email: "boss", role: "owner" }, 400);
    });
  });
});

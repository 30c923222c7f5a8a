import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import path from "node:path";
import { promisify } from "node:util";
import { Secret } from "@bucketbridge/core";
import { useDatabase } from "@bucketbridge/testkit";
import { describe, expect, it } from "vitest";
import { TokenSigner } from "../src/tokens.ts";
import { useApi } from "./harness.ts";

const ADMIN = path.resolve(import.meta.dirname, "../../../scripts/admin.ts");
const run = promisify(execFile);
const KEY = new Secret(randomBytes(32).toString("hex"));
const ACCOUNT = {
  organization: "Cats Ltd",
  email: "First@Example.com",
  password: "correct horse battery",
};

describe("the first owner", () => {
  const time = { nowMs: Date.now() };
  const clock = { now: () => time.nowMs, sleep: () => Promise.resolve() };
  const api = useApi("api_first_owner", (deps) => ({
    ...deps,
    clock,
    settings: { ...deps.settings, tokenKeys: [KEY] },
  }));
  const make = (token: string, over: object = {}) =>
    api().request({
      ...{ method: "POST", url: "/api/v1/first-owner", token: null },
      payload: { ...ACCOUNT, ...over, token },
    });
  const signSetup = () => new TokenSigner([KEY], clock).signSetup();

  async function forgetEverybody(): Promise<void> {
    await api().database.inMaintenance(async (tx) => {
      await tx.membership.deleteMany();
      await tx.user.deleteMany();
      await tx.organization.deleteMany();
    });
  }

  it("is not made while anybody has an account", async () => {
    expect((await make(await signSetup())).statusCode).toBe(404);
  });

  it("is made with the link alone, which is good for an hour", async () => {
    await forgetEverybody();
    const signer = new TokenSigner([KEY], clock);
    const foreign = await new TokenSigner([new Secret("x".repeat(40))], clock).signSetup();
    for (const token of ["", "nonsense", await signer.signAccess(0), foreign])
      expect([400, 404]).toContain((await make(token)).statusCode);
    const token = await signSetup();
    time.nowMs += 3_601_000;
    expect((await make(token)).statusCode).toBe(404);
    expect((await make(await signSetup(), { password: "short" })).statusCode).toBe(400);
  });

  it("is made once, also when two people open the link at once", async () => {
    await forgetEverybody();
    const token = await signSetup();
    const answers = await Promise.all(
      ["one@example.com", "two@example.com"].map((email) => make(token, { email })),
    );
    expect(answers.map(({ statusCode }) => statusCode).toSorted()).toEqual([201, 404]);
    const made = answers.find(({ statusCode }) => statusCode === 201)?.json<{ email: string }>();
    expect(made).toMatchObject({ role: "owner", organization: "Cats Ltd" });
    const signIn = { email: made?.email, password: ACCOUNT.password };
    const session = { method: "POST", url: "/api/v1/session", payload: signIn } as const;
    expect((await api().request({ ...session, token: null })).statusCode).toBe(201);
    const organizations = await api().database.inMaintenance((tx) => tx.organization.count());
    expect(organizations).toBe(1);
  });

  it("does not open the API with the token of the link", async () => {
    const authorization = `Bearer ${await signSetup()}`;
    const answer = await api().request({
      ...{ url: "/api/projects/", token: null, headers: { authorization } },
    });
    expect(answer.statusCode).toBe(401);
  });
});

describe("signing up", () => {
  const closed = useApi("api_sign_up_closed");
  const open = useApi("api_sign_up_open", (deps) => ({
    ...deps,
    settings: { ...deps.settings, openSignUp: true },
  }));
  const ask = { method: "POST", url: "/api/v1/sign-up", payload: ACCOUNT, token: null } as const;

  it("is closed unless the operator opens it", async () => {
    const answer = await closed().request(ask);
    expect(answer.statusCode).toBe(403);
    expect(answer.json()).toMatchObject({
      detail: "sign-up is closed here: ask an owner or admin for an invitation",
    });
  });

  it("makes an organisation of its own, and nobody a member of another", async () => {
    const made = await open().request(ask);
    expect(made.json()).toMatchObject({ email: "first@example.com", role: "owner" });
    expect((await open().request(ask)).statusCode).toBe(409);
    const taken = { ...ACCOUNT, email: open().owner.email };
    expect((await open().request({ ...ask, payload: taken })).statusCode).toBe(409);
    const titles = await open().database.inMaintenance((tx) =>
      tx.organization.findMany({ orderBy: { id: "asc" } }),
    );
    expect(titles.map(({ title }) => title)).toEqual(["Example", "Elsewhere", "Cats Ltd"]);
  });
});

describe("npm run admin", () => {
  const database = useDatabase("api_admin");

  async function admin(...args: readonly string[]): Promise<{ code: number; text: string }> {
    const env = {
      DATABASE_URL: database().url,
      BUCKETBRIDGE_SECRET_KEYS: `k1:${randomBytes(32).toString("base64")}`,
      BUCKETBRIDGE_TOKEN_KEY: randomBytes(32).toString("hex"),
    };
    try {
      const { stdout } = await run(process.execPath, [ADMIN, ...args], { env });
      return { code: 0, text: stdout };
    } catch (error) {
      const { code, stderr } = error as { readonly code: number; readonly stderr: string };
      return { code, text: stderr };
    }
  }

  it("makes an owner, lists who has an account, and gives a new password", async () => {
    const made = await admin("create-owner", "--email", "Boss@example.com", "--title", "Cats");
    expect(made.text).toMatch(/^owner boss@example\.com\ntoken [0-9a-f]{40}\n/);
    const listed = await admin("list-users");
    expect(listed.text).toMatch(/^boss@example\.com\towner\tCats\t\d{4}-/);
    const reset = await admin("reset-password", "--email", "BOSS@example.com");
    expect(reset.text).toMatch(/^password [\w-]{20}\n/);
  });

  it("says what is wrong", async () => {
    expect(await admin()).toMatchObject({
      code: 2,
      text: expect.stringMatching(/^usage:/) as unknown,
    });
    expect((await admin("create-owner")).code).toBe(2);
    expect((await admin("create-owner", "--email", "nobody")).code).toBe(2);
    expect((await admin("create-owner", "--nonsense")).code).toBe(2);
    const unknown = await admin("reset-password", "--email", "ghost@example.com");
    expect(unknown).toMatchObject({ code: 1, text: "ghost@example.com has no account\n" });
  });
});

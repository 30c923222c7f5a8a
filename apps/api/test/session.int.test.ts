import type { Clock } from "@bucketbridge/core";
import type { LightMyRequestResponse } from "fastify";
import { beforeEach, describe, expect, it } from "vitest";
import { Passwords } from "../src/passwords.ts";
import { hashToken } from "../src/tokens.ts";
import { addPerson } from "./fixtures/people.ts";
import { useApi, type TestRequest } from "./harness.ts";

const SESSION = "/api/v1/session";
const PASSWORD = "correct horse battery";
const OWN_PAGE = { "sec-fetch-site": "same-origin" };

describe("a browser's session", () => {
  const time = { nowMs: Date.now() };
  const clock: Clock = { now: () => time.nowMs, sleep: () => Promise.resolve() };
  const api = useApi("api_session", (deps) => ({ ...deps, clock }));
  let hash = "";

  beforeEach(async () => {
    // A minute later nobody's failures count any more.
    time.nowMs += 61_000;
    hash ||= await new Passwords().hash(PASSWORD);
    await api().deps.sessions.setPassword(api().owner.userId, hash, undefined);
  });

  const ask = (options: TestRequest) => api().request({ token: null, ...options });
  const signIn = (payload: object, headers: Record<string, string> = {}) =>
    ask({ method: "POST", url: SESSION, payload, headers });
  const toCookie = (answer: LightMyRequestResponse) =>
    String(answer.headers["set-cookie"]).split(";", 1)[0] ?? "";
  async function signedIn(email = api().owner.email): Promise<{ cookie: string }> {
    const answer = await signIn({ email, password: PASSWORD });
    expect(answer.statusCode, answer.body).toBe(201);
    return { cookie: toCookie(answer) };
  }
  const asWho = async (headers: Record<string, string>) =>
    (await ask({ url: SESSION, headers })).statusCode;

  it("begins with address and password, whatever the address's case, and opens the API", async () => {
    const answer = await signIn({ email: "OWNER@example.com", password: PASSWORD });
    expect(answer.json()).toEqual({
      ...{ userId: api().owner.userId, organizationId: api().owner.organizationId },
      ...{ email: "owner@example.com", role: "owner" },
    });
    const cookie = String(answer.headers["set-cookie"]);
    expect(cookie).toMatch(
      /^bucketbridge_session=[\w-]{43}; Max-Age=604800; Path=\/; HttpOnly; SameSite=Lax$/,
    );
    const headers = { cookie: `theme=dark; ${toCookie(answer)}` };
    expect((await ask({ url: "/api/projects/", headers })).statusCode).toBe(200);
    expect((await ask({ url: SESSION, headers })).json()).toEqual(answer.json());
  });

  it("believes no header about https that no trusted proxy wrote", async () => {
    const payload = { email: api().owner.email, password: PASSWORD };
    const answer = await signIn(payload, { "x-forwarded-proto": "https" });
    expect(String(answer.headers["set-cookie"])).not.toContain("Secure");
  });

  it("is stored as the hash of its cookie", async () => {
    const { cookie } = await signedIn();
    const token = cookie.split("=")[1] ?? "";
    const rows = await api().database.inMaintenance((tx) => tx.session.findMany());
    expect(rows.some((row) => Buffer.from(row.tokenHash).equals(hashToken(token)))).toBe(true);
    expect(api().log()).not.toContain(token);
  });

  it("answers an unknown address and a wrong password alike", async () => {
    const wrong = [
      { email: "nobody@example.com", password: PASSWORD },
      { email: api().owner.email, password: "wrong horse battery" },
      { email: api().stranger.email, password: "has no password" },
    ];
    const answers = [];
    for (const payload of wrong) answers.push(await signIn(payload));
    for (const answer of answers) {
      expect(answer.statusCode).toBe(401);
      expect(answer.headers["set-cookie"]).toBeUndefined();
      expect({ ...answer.json<object>(), requestId: "" }).toEqual({
        ...answers[0]?.json<object>(),
        requestId: "",
      });
    }
  });

  it("takes the person's own token as a password, and nobody else's", async () => {
    const { email, token } = api().owner;
    expect((await signIn({ email, password: token })).statusCode).toBe(201);
    const foreign = { email, password: api().stranger.token };
    expect((await signIn(foreign)).statusCode).toBe(401);
  });

  it("is slow to guess: ten wrong attempts a minute, by network and by account", async () => {
    const guess = (email: string) => signIn({ email, password: "wrong" });
    for (let attempt = 0; attempt < 10; attempt++)
      expect((await guess("guessed@example.com")).statusCode).toBe(401);
    const blocked = await signIn({ email: api().owner.email, password: PASSWORD });
    expect(blocked.statusCode).toBe(429);
    expect(Number(blocked.headers["retry-after"])).toBeGreaterThan(0);
    time.nowMs += 61_000;
    await signedIn();
  });

  it("changes nothing for the page of another site", async () => {
    const { cookie } = await signedIn();
    const make = (headers: Record<string, string>) =>
      ask({ method: "POST", url: "/api/projects/", payload: {}, headers: { cookie, ...headers } });
    for (const headers of [
      {},
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site" },
      { origin: "https://evil.example" },
      { origin: "null" },
      { "sec-fetch-site": "cross-site", origin: "http://localhost:80" },
    ])
      expect([headers, (await make(headers)).statusCode]).toEqual([headers, 403]);
    expect((await make(OWN_PAGE)).statusCode).toBe(201);
    expect((await make({ origin: "http://localhost:80" })).statusCode).toBe(201);
    const byToken = { authorization: `Token ${api().owner.token}`, origin: "https://evil.example" };
    expect((await make(byToken)).statusCode).toBe(201);
  });

  it("does not begin from the page of another site", async () => {
    const payload = { email: api().owner.email, password: PASSWORD };
    expect((await signIn(payload, { "sec-fetch-site": "cross-site" })).statusCode).toBe(403);
    expect((await signIn(payload, { origin: "https://evil.example" })).statusCode).toBe(403);
    const form = await ask({
      ...{ method: "POST", url: SESSION, payload: "email=a&password=b" },
      headers: { "content-type": "application/x-www-form-urlencoded" },
    });
    expect(form.statusCode).toBe(415);
  });

  it("ends with the sign-out, here or everywhere", async () => {
    const [here, there] = [await signedIn(), await signedIn()];
    const leave = (cookie: string, query = "") =>
      ask({ method: "DELETE", url: `${SESSION}${query}`, headers: { cookie, ...OWN_PAGE } });
    const left = await leave(here.cookie);
    expect(left.statusCode).toBe(204);
    expect(String(left.headers["set-cookie"])).toContain("Max-Age=0");
    expect([await asWho(here), await asWho(there)]).toEqual([401, 200]);
    const again = await signedIn();
    expect((await leave(again.cookie, "?everywhere=true")).statusCode).toBe(204);
    expect([await asWho(again), await asWho(there)]).toEqual([401, 401]);
  });

  it("ends the one that the browser had when it begins", async () => {
    const planted = await signedIn();
    const answer = await signIn({ email: api().owner.email, password: PASSWORD }, planted);
    expect(await asWho(planted)).toBe(401);
    expect(await asWho({ cookie: toCookie(answer) })).toBe(200);
  });

  it("ends after a week, and after a day without a visit", async () => {
    for (const [column, age] of [
      ["expires_at", "0 seconds"],
      ["last_used_at", "25 hours"],
    ] as const) {
      const headers = await signedIn();
      expect(await asWho(headers)).toBe(200);
      await api().database.inMaintenance((tx) =>
        tx.$executeRawUnsafe(`UPDATE session SET ${column} = now() - interval '${age}'`),
      );
      expect(await asWho(headers)).toBe(401);
    }
  });

  it("ends with the membership", async () => {
    const person = await addPerson(api(), "manager");
    await api().deps.sessions.setPassword(person.userId, hash, undefined);
    const headers = await signedIn(person.email);
    const { organizationId, userId } = person;
    await api().deps.members.remove(organizationId, { userId, isByOwner: true });
    expect(await asWho(headers)).toBe(401);
    const again = await signIn({ email: person.email, password: PASSWORD });
    expect(again.statusCode).toBe(401);
  });

  it("ends with a new password, but for the one that set it", async () => {
    const [here, there] = [await signedIn(), await signedIn()];
    const change = (payload: object) =>
      ask({ method: "PUT", url: "/api/v1/password", payload, headers: { ...here, ...OWN_PAGE } });
    const newPassword = "another horse battery";
    expect((await change({ newPassword })).statusCode).toBe(403);
    expect((await change({ currentPassword: "wrong", newPassword })).statusCode).toBe(403);
    expect((await change({ currentPassword: PASSWORD, newPassword: "short" })).statusCode).toBe(
      400,
    );
    expect((await change({ currentPassword: PASSWORD, newPassword })).statusCode).toBe(204);
    expect([await asWho(here), await asWho(there)]).toEqual([200, 401]);
    const email = api().owner.email;
    expect((await signIn({ email, password: PASSWORD })).statusCode).toBe(401);
    expect((await signIn({ email, password: newPassword })).statusCode).toBe(201);
  });

  it("shows images of a page: media take the cookie", async () => {
    const project = await api().request({ method: "POST", url: "/api/projects/", payload: {} });
    const url = `/projects/${String(project.json<{ id: number }>().id)}/resolve/?fileuri=eA`;
    expect((await ask({ url })).statusCode).toBe(401);
    expect((await ask({ url, headers: await signedIn() })).statusCode).toBe(404);
  });

  it("begins on a page whose script comes from this server alone", async () => {
    for (const url of ["/sign-in", "/invitation"]) {
      const page = await ask({ url });
      expect(page.headers["content-type"]).toBe("text/html; charset=utf-8");
      expect(page.body).not.toMatch(/<script(?! src=)|<style|\son\w+=|\sstyle=/);
      const policy = String(page.headers["content-security-policy"]);
      expect(policy).toContain("default-src 'none'; script-src 'self'");
      expect(policy).not.toMatch(/unsafe|https?:|\*/);
    }
    expect((await ask({ url: "/sign-in/page.js" })).headers["content-type"]).toMatch(/javascript/);
    expect((await ask({ url: "/sign-in/page.css" })).headers["content-type"]).toMatch(/css/);
  });
});

describe("the session of a server that is reached by https", () => {
  const api = useApi("api_session_https", (deps) => ({
    ...deps,
    settings: { ...deps.settings, hostPrefix: "https://label.example.org" },
  }));

  it("has a cookie for https alone", async () => {
    const { email, token: password } = api().owner;
    const answer = await api().request({
      ...{ method: "POST", url: SESSION, payload: { email, password }, token: null },
    });
    expect(answer.statusCode).toBe(201);
    expect(String(answer.headers["set-cookie"])).toMatch(/; SameSite=Lax; Secure$/);
  });
});

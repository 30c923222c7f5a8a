import { SignJWT } from "jose";
import { describe, expect, it } from "vitest";
import { useApi } from "./harness.ts";

const NO_CREDENTIALS = "Authentication credentials were not provided.";
const WHOAMI = "/api/current-user/whoami";

describe("authentication", () => {
  const api = useApi("api_auth");

  async function makePersonalToken(): Promise<string> {
    const listed = await api().request({ url: "/api/token/" });
    expect(listed.statusCode).toBe(200);
    await api().database.inOrganization(api().owner.organizationId, (tx) =>
      tx.apiToken.deleteMany({ where: { kind: "refresh" } }),
    );
    const made = await api().request({ method: "POST", url: "/api/token/" });
    expect(made.statusCode).toBe(201);
    return made.json<{ token: string }>().token;
  }

  function refresh(token: unknown) {
    return api().request({
      method: "POST",
      url: "/api/token/refresh/",
      token: null,
      payload: { refresh: token },
    });
  }

  it.each([
    ["no header", undefined, NO_CREDENTIALS],
    ["an unknown scheme", "Basic abc", NO_CREDENTIALS],
    ["a bare key", "0123456789012345678901234567890123456789", NO_CREDENTIALS],
    ["a Bearer that is no token", "Bearer nonsense", NO_CREDENTIALS],
    ["an unknown legacy token", "Token 0123456789012345678901234567890123456789", "Invalid token."],
    ["a scheme without a key", "Token", "Invalid token header. No credentials provided."],
    [
      "a key with a blank in it",
      "Token a b",
      "Invalid token header. Token string should not contain spaces.",
    ],
  ])("answers %s with the contract's 401", async (_name, authorization, detail) => {
    const headers = authorization === undefined ? {} : { authorization };
    const response = await api().request({ url: WHOAMI, token: null, headers });
    expect(response.statusCode).toBe(401);
    expect(response.headers["www-authenticate"]).toBe("Token");
    expect(response.json()).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/) as unknown,
      status_code: 401,
      version: "1.23.2",
      detail,
      exc_info: null,
    });
  });

  it("takes the legacy token whatever the case of its scheme", async () => {
    const { token } = api().owner;
    for (const scheme of ["Token", "token", "TOKEN"]) {
      const response = await api().request({
        url: WHOAMI,
        token: null,
        headers: { authorization: `${scheme} ${token}` },
      });
      expect(response.statusCode).toBe(200);
    }
  });

  it("notes the last use of a token, once a minute", async () => {
    const lastUse = async () => {
      await api().request({ url: WHOAMI });
      const { tokenHash } = await ownerTokenRow();
      return api().database.inMaintenance((tx) =>
        tx.apiToken.findUniqueOrThrow({ where: { tokenHash } }),
      );
    };
    const first = await lastUse();
    const second = await lastUse();
    expect(first.lastUsedAt).not.toBeNull();
    expect(second.lastUsedAt).toEqual(first.lastUsedAt);
  });

  function ownerTokenRow() {
    const { organizationId, userId } = api().owner;
    return api().database.inMaintenance((tx) =>
      tx.apiToken.findFirstOrThrow({ where: { organizationId, userId, kind: "legacy" } }),
    );
  }

  it("exchanges a personal token for an access token that is taken as Bearer", async () => {
    const token = await makePersonalToken();
    const refreshed = await refresh(token);
    expect(refreshed.statusCode).toBe(200);
    const { access } = refreshed.json<{ access: string }>();
    const response = await api().request({
      url: WHOAMI,
      token: null,
      headers: { authorization: `bearer ${access}` },
    });
    expect(response.statusCode).toBe(200);
    expect(response.json<{ email: string }>().email).toBe(api().owner.email);
  });

  it("gives personal tokens the claims of the contract", async () => {
    const [header, payload] = (await makePersonalToken())
      .split(".")
      .map((part) => Buffer.from(part, "base64url"));
    expect(String(header)).toBe('{"alg":"HS256","typ":"JWT"}');
    const claims = JSON.parse(String(payload)) as Record<string, unknown>;
    expect(Object.keys(claims)).toEqual(["token_type", "exp", "iat", "jti", "user_id"]);
    expect(claims).toMatchObject({ token_type: "refresh", user_id: String(api().owner.userId) });
    expect(claims["jti"]).toMatch(/^[0-9a-f]{32}$/);
  });

  it("shows personal tokens without their signature", async () => {
    const token = await makePersonalToken();
    const response = await api().request({ url: "/api/token" });
    expect(response.json()).toEqual([{ token: token.split(".").slice(0, 2).join(".") }]);
  });

  it("refuses a second personal token with the contract's 409", async () => {
    await makePersonalToken();
    const answers = await Promise.all(
      [1, 2].map(() => api().request({ method: "POST", url: "/api/token/" })),
    );
    for (const answer of answers) {
      expect(answer.statusCode).toBe(409);
      expect(answer.json<{ detail: string }>().detail).toBe(
        "You already have a valid token. Please revoke it before creating a new one.",
      );
    }
  });

  it("lets one of two racing requests make the personal token", async () => {
    await api().database.inMaintenance((tx) =>
      tx.apiToken.deleteMany({ where: { kind: "refresh" } }),
    );
    const answers = await Promise.all(
      [1, 2, 3, 4].map(() => api().request({ method: "POST", url: "/api/token/" })),
    );
    expect(answers.map(({ statusCode }) => statusCode).sort()).toEqual([201, 409, 409, 409]);
  });

  it("explains why a refresh is refused", async () => {
    const token = await makePersonalToken();
    const { access } = (await refresh(token)).json<{ access: string }>();
    const detailOf = async (value: unknown) => {
      const response = await refresh(value);
      expect(response.statusCode).toBe(401);
      return response.json<{ detail: string }>().detail;
    };
    expect(await detailOf("garbage")).toBe("Token is invalid");
    expect(await detailOf(access)).toBe("Token has wrong type");
    const blacklisted = await api().request({
      method: "POST",
      url: "/api/token/blacklist/",
      payload: { refresh: token },
    });
    expect(blacklisted.statusCode).toBe(204);
    expect(await detailOf(token)).toBe("Token is blacklisted");
    const missing = await api().request({
      method: "POST",
      url: "/api/token/refresh",
      token: null,
      payload: {},
    });
    expect(missing.statusCode).toBe(400);
    expect(missing.json()).toMatchObject({
      validation_errors: { refresh: ["This field is required."] },
    });
  });

  it("refuses tokens that somebody else signed or that name no algorithm", async () => {
    const claims = {
      token_type: "access",
      jti: "x".repeat(32),
      user_id: String(api().owner.userId),
    };
    const foreign = await new SignJWT(claims)
      .setProtectedHeader({ alg: "HS256", typ: "JWT" })
      .setIssuedAt()
      .setExpirationTime("5m")
      .sign(new TextEncoder().encode("somebody else's key, long enough for HS256"));
    const unsigned = `${Buffer.from('{"alg":"none"}').toString("base64url")}.${foreign.split(".")[1] ?? ""}.`;
    for (const token of [foreign, unsigned]) {
      const response = await api().request({
        url: WHOAMI,
        token: null,
        headers: { authorization: `Bearer ${token}` },
      });
      expect(response.statusCode).toBe(401);
      expect(response.json<{ detail: string }>().detail).toBe(NO_CREDENTIALS);
    }
  });

  it("does not take a personal token as Bearer or as Token", async () => {
    const token = await makePersonalToken();
    for (const [scheme, detail] of [
      ["Bearer", NO_CREDENTIALS],
      ["Token", "Invalid token."],
    ] as const) {
      const response = await api().request({
        url: WHOAMI,
        token: null,
        headers: { authorization: `${scheme} ${token}` },
      });
      expect(response.json<{ detail: string }>().detail).toBe(detail);
    }
  });

  it("rotates a personal token: the old one ends, its access tokens live on", async () => {
    const old = await makePersonalToken();
    const { access } = (await refresh(old)).json<{ access: string }>();
    const rotated = await api().request({
      method: "POST",
      url: "/api/token/rotate/",
      payload: { refresh: old },
    });
    expect(rotated.statusCode).toBe(200);
    expect((await refresh(rotated.json<{ refresh: string }>().refresh)).statusCode).toBe(200);
    expect((await refresh(old)).statusCode).toBe(401);
    const who = await api().request({
      url: WHOAMI,
      token: null,
      headers: { authorization: `Bearer ${access}` },
    });
    expect(who.statusCode).toBe(200);
    const again = await api().request({
      method: "POST",
      url: "/api/token/rotate/",
      payload: { refresh: old },
    });
    expect(again.json()).toMatchObject({
      validation_errors: { non_field_errors: ["Invalid refresh token"] },
    });
  });

  it("answers a token that is not valid any more without the envelope", async () => {
    const response = await api().request({
      method: "POST",
      url: "/api/token/blacklist/",
      payload: { refresh: "x" },
    });
    expect(response.statusCode).toBe(404);
    expect(response.body).toBe('{"detail":"Token is invalid or already blacklisted."}');
  });

  it("does not let one person end the token of another", async () => {
    const token = await makePersonalToken();
    for (const url of ["/api/token/blacklist/", "/api/token/rotate/"]) {
      const response = await api().request({
        method: "POST",
        url,
        payload: { refresh: token },
        token: api().stranger.token,
      });
      expect(response.statusCode).toBeGreaterThanOrEqual(400);
    }
    expect((await refresh(token)).statusCode).toBe(200);
  });

  it("says that a legacy token cannot be shown again", async () => {
    const response = await api().request({ url: "/api/current-user/token" });
    expect(response.statusCode).toBe(400);
    expect(response.json<{ detail: string }>().detail).toContain("reset-token");
  });

  it("replaces the legacy token", async () => {
    const { stranger } = api();
    const reset = await api().request({
      method: "POST",
      url: "/api/current-user/reset-token/",
      token: stranger.token,
    });
    expect(reset.statusCode).toBe(201);
    const { token } = reset.json<{ token: string }>();
    expect((await api().request({ url: WHOAMI, token })).statusCode).toBe(200);
    expect((await api().request({ url: WHOAMI, token: stranger.token })).statusCode).toBe(401);
  });

  it("turns legacy tokens off for the organisation that says so, and no other", async () => {
    const token = await makePersonalToken();
    const off = await api().request({
      method: "POST",
      url: "/api/jwt/settings",
      payload: { legacy_api_tokens_enabled: false },
    });
    expect(off.body).toBe('{"api_tokens_enabled":true,"legacy_api_tokens_enabled":false}');
    const refused = await api().request({ url: WHOAMI });
    expect(refused.json<{ detail: string }>().detail).toBe(
      "Authentication token no longer valid: legacy token authentication has been disabled for this organization",
    );
    const { access } = (await refresh(token)).json<{ access: string }>();
    const on = await api().request({
      method: "POST",
      url: "/api/jwt/settings/",
      token: null,
      headers: {
        authorization: `Bearer ${access}`,
        "content-type": "application/x-www-form-urlencoded",
      },
      payload: "legacy_api_tokens_enabled=True",
    });
    expect(on.body).toBe('{"api_tokens_enabled":true,"legacy_api_tokens_enabled":true}');
    expect((await api().request({ url: WHOAMI })).statusCode).toBe(200);
  });

  it("names the caller in the contract's order", async () => {
    const response = await api().request({ url: WHOAMI });
    const body = response.json<Record<string, unknown>>();
    expect(Object.keys(body)).toEqual([
      "id",
      "first_name",
      "last_name",
      "username",
      "email",
      "last_activity",
      "custom_hotkeys",
      "avatar",
      "initials",
      "phone",
      "active_organization",
      "active_organization_meta",
      "allow_newsletters",
      "date_joined",
      "permissions",
    ]);
    expect(body).toMatchObject({
      email: "owner@example.com",
      initials: "ow",
      active_organization: api().owner.organizationId,
      active_organization_meta: { title: "Example", email: "owner@example.com" },
    });
    expect(body["permissions"]).toHaveLength(44);
    expect((body["permissions"] as string[]).at(-1)).toBe("views.delete");
  });

  it("answers version and health to anybody", async () => {
    for (const url of ["/api/version", "/api/version/"]) {
      const version = await api().request({ url, token: null });
      expect(version.json()).toMatchObject({
        release: "1.23.2",
        bucketbridge: { version: "0.0.0-test" },
      });
    }
    const health = await api().request({ url: "/health", token: null });
    expect(health.body).toBe('{"status": "UP"}');
    expect(health.headers["content-type"]).toContain("text/html");
  });

  it("keeps tokens out of the log and, but for their hash, out of the database", async () => {
    const token = await makePersonalToken();
    await refresh(token);
    const rows = await api().database.inMaintenance((tx) => tx.apiToken.findMany());
    const places = `${api().log()}${JSON.stringify(rows)}`;
    expect(places).not.toContain(api().owner.token);
    expect(places).not.toContain(token.split(".")[2]);
  });
});

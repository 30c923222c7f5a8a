import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { holdTransaction, untilBlocked } from "../testing/held-transaction.ts";
import { useTestDatabase } from "../testing/test-database.ts";
import { createTokenRepository } from "./tokens.ts";
import { createUserRepository } from "./users.ts";

const hashOf = (text: string) => new Uint8Array(createHash("sha256").update(text).digest());
const seed = (token: string, email = "owner@example.com") => ({
  email,
  organizationTitle: "First",
  tokenHash: hashOf(token),
  tokenPrefix: token.slice(0, 3),
});

describe("the first owner", () => {
  const setup = useTestDatabase("db_users");
  const users = () => createUserRepository(setup.db);
  const tokens = () => createTokenRepository(setup.db);

  it("is made once, however many processes start together", async () => {
    const members = await Promise.all([1, 2, 3, 4].map(() => users().ensureOwner(seed("one"))));
    expect(new Set(members.map(({ userId }) => userId)).size).toBe(1);
    expect(await setup.look("SELECT FROM organization")).toHaveLength(1);
    expect(await setup.look("SELECT FROM api_token")).toHaveLength(1);
  });

  it("gets a further token when the configuration names another one", async () => {
    await users().ensureOwner(seed("two"));
    for (const token of ["one", "two"]) {
      const holder = await tokens().findHolder(hashOf(token));
      expect(holder?.member).toMatchObject({ email: "owner@example.com", role: "owner" });
    }
  });

  it("does not get back a token that was revoked", async () => {
    const member = await users().ensureOwner(seed("two"));
    await tokens().replaceLegacy(member, { tokenHash: hashOf("three"), prefix: "thr" });
    await users().ensureOwner(seed("two"));
    expect(await tokens().findHolder(hashOf("two"))).toBeUndefined();
    expect(await tokens().findHolder(hashOf("three"))).toBeDefined();
  });

  it("joins the first organisation when the configuration names another person", async () => {
    const first = await users().ensureOwner(seed("two"));
    const second = await users().ensureOwner(seed("four", "second@example.com"));
    expect(second).toMatchObject({ organizationId: first.organizationId, role: "owner" });
  });

  it("is no member of another organisation", async () => {
    const { userId } = await users().ensureOwner(seed("two"));
    const [other] = await setup.look<{ id: number }>(
      "INSERT INTO organization (title) VALUES ('Other') RETURNING id",
    );
    const organizationId = other?.id ?? 0;
    expect(await users().findMember(organizationId, userId)).toBeUndefined();
    expect(await users().listMembers(organizationId, [userId])).toEqual([]);
    expect(await users().findOwner(organizationId)).toBeUndefined();
  });

  it("loses an expired token", async () => {
    const { userId } = await users().ensureOwner(seed("five", "third@example.com"));
    await setup.look(
      "UPDATE api_token SET expires_at = now() - interval '1 s' WHERE user_id = $1",
      [userId],
    );
    expect(await tokens().findHolder(hashOf("five"))).toBeUndefined();
  });

  it("has one personal token, also when two requests make one at the same moment", async () => {
    const { userId, organizationId } = await users().ensureOwner(seed("six", "fourth@example.com"));
    const claims = { token_type: "refresh", exp: 1, iat: 1, jti: "a", user_id: String(userId) };
    const first = await holdTransaction(setup.db, organizationId, async (tx) => {
      await tx.$executeRaw`SELECT FROM membership WHERE user_id = ${userId} FOR UPDATE`;
      await tx.apiToken.create({
        data: {
          organizationId,
          userId,
          kind: "refresh",
          tokenHash: hashOf("a"),
          prefix: "a",
          claims,
        },
      });
    });
    const expiresAt = new Date("2200-01-01");
    const token = {
      organizationId,
      userId,
      tokenHash: hashOf("b"),
      prefix: "b",
      claims,
      expiresAt,
    };
    const second = tokens().createRefresh(token);
    await untilBlocked(setup, second);
    await first.commit();
    expect(await second).toBe(false);
  });
});

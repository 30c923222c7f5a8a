import { describe, expect, it } from "vitest";
import { Passwords } from "./passwords.ts";

describe("passwords", () => {
  const passwords = new Passwords();

  it("are stored with a salt of their own and found again", async () => {
    const [one, two] = await Promise.all([
      passwords.hash("correct horse"),
      passwords.hash("correct horse"),
    ]);
    expect(one).toMatch(/^scrypt\$15\$8\$3\$[A-Za-z0-9+/=]{24}\$[A-Za-z0-9+/=]{44}$/);
    expect(one).not.toBe(two);
    expect(await passwords.verify("correct horse", one)).toBe(true);
    expect(await passwords.verify("correct horsf", one)).toBe(false);
  });

  it("are the same however an accent was typed", async () => {
    const stored = await passwords.hash("caf\u00e9 au lait");
    expect(await passwords.verify("cafe\u0301 au lait", stored)).toBe(true);
  });

  it("belong to nobody when nothing is stored, also the one whose hash would be all zeros", async () => {
    expect(await passwords.verify("", undefined)).toBe(false);
    expect(await passwords.verify("correct horse", undefined)).toBe(false);
  });

  it("are computed two at a time, and refused behind a long queue", async () => {
    const bounded = new Passwords({ maxWaiting: 1 });
    const asked = Array.from({ length: 5 }, () => bounded.verify("x", undefined));
    const answers = await Promise.allSettled(asked);
    const refused = answers.filter(({ status }) => status === "rejected");
    expect(refused).toHaveLength(2);
    expect(refused[0]).toMatchObject({ reason: { code: "rate_limited" } });
    expect(await bounded.verify("x", undefined)).toBe(false);
  });

  it("with an unknown scheme are a bug, not a wrong password", async () => {
    await expect(passwords.verify("x", "md5$abc")).rejects.toMatchObject({ code: "internal" });
  });
});

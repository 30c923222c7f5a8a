import { createSign } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startGcsFake, type GcsFake } from "./gcs-fake.ts";

const OWNER = "owner@fake.iam.gserviceaccount.com";
const AUDIENCE = "https://oauth2.googleapis.com/token";
const WRITE = "https://www.googleapis.com/auth/devstorage.read_write";

let fake: GcsFake;
let now = Date.now();
beforeAll(async () => {
  fake = await startGcsFake({ buckets: ["b"], accounts: [{ email: OWNER }], now: () => now });
});
beforeEach(() => {
  now = Date.now();
  fake.clearBucket("b");
});
afterAll(() => fake.close());

interface Key {
  readonly private_key: string;
}

function signAs(text: string, encoding: "base64url" | "hex"): string {
  const { private_key } = JSON.parse(fake.keyJson(OWNER)) as Key;
  return createSign("RSA-SHA256").update(text).sign(private_key, encoding);
}

function grant(changes: Record<string, unknown> = {}): Promise<Response> {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const iat = Math.floor(now / 1_000);
  const claims = { iss: OWNER, scope: WRITE, aud: AUDIENCE, iat, exp: iat + 3_600, ...changes };
  const unsigned = `${part({ alg: "RS256" })}.${part(claims)}`;
  const form = {
    grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
    assertion: `${unsigned}.${signAs(unsigned, "base64url")}`,
  };
  return fetch(fake.endpoints.token, { method: "POST", body: new URLSearchParams(form) });
}

async function getToken(changes?: Record<string, unknown>): Promise<string> {
  const answer = (await (await grant(changes)).json()) as { readonly access_token: string };
  return answer.access_token;
}

async function list(query: string, token?: string): Promise<Response> {
  const authorization = `Bearer ${token ?? (await getToken())}`;
  return fetch(`${fake.origin}/storage/v1/b/b/o?${query}`, { headers: { authorization } });
}

describe("the GCS fake", () => {
  it.each([
    ["an audience of another service", { aud: "https://example.com" }],
    ["an assertion that is over", { iat: 1, exp: 2 }],
    ["an assertion that lives too long", { exp: Math.floor(Date.now() / 1_000) + 9_999 }],
    ["another account", { iss: "other@fake.iam.gserviceaccount.com" }],
  ])("refuses %s", async (_case, changes) => {
    const answer = await grant(changes);
    expect([answer.status, ((await answer.json()) as { error: string }).error]).toEqual([
      400,
      "invalid_grant",
    ]);
  });

  it("refuses no token, an unknown one and one that is over", async () => {
    const token = await getToken();
    expect((await list("", token)).status).toBe(200);
    expect((await list("", "garbage")).status).toBe(401);
    expect((await fetch(`${fake.origin}/storage/v1/b/b/o`)).status).toBe(401);
    now += 3_601_000;
    expect((await list("", token)).status).toBe(401);
  });

  it("refuses a write with a token for reading", async () => {
    const scope = "https://www.googleapis.com/auth/devstorage.read_only";
    const authorization = `Bearer ${await getToken({ scope })}`;
    const url = `${fake.origin}/upload/storage/v1/b/b/o?uploadType=media&name=x`;
    const answer = await fetch(url, { method: "POST", headers: { authorization }, body: "x" });
    expect(answer.status).toBe(403);
  });

  it("leaves out the page token where fields do not name it, as Google does", async () => {
    for (const key of ["a", "b", "c"]) fake.putObject("b", key, "x");
    const page = async (fields: string): Promise<unknown> =>
      (await list(`maxResults=2&fields=${encodeURIComponent(fields)}`)).json();
    expect(await page("items(name)")).toEqual({ items: [{ name: "a" }, { name: "b" }] });
    expect(await page("nextPageToken,items(name)")).toHaveProperty("nextPageToken");
  });

  it("counts prefixes as entries of a page and starts at an offset", async () => {
    for (const key of ["a/1", "a/2", "b", "c/1"]) fake.putObject("b", key, "x");
    const read = async (query: string): Promise<unknown> => {
      const { items = [], prefixes = [] } = (await (await list(query)).json()) as {
        readonly items?: readonly { readonly name: string }[];
        readonly prefixes?: readonly string[];
      };
      return [items.map(({ name }) => name), prefixes];
    };
    expect(await read("delimiter=/&maxResults=2")).toEqual([["b"], ["a/"]]);
    expect(await read("startOffset=b&endOffset=c/1")).toEqual([["b"], []]);
  });

  it("refuses names that Google refuses, and bytes with another checksum", async () => {
    const token = await getToken();
    const put = (name: string, md5Hash?: string): Promise<Response> => {
      const head = JSON.stringify({ name, md5Hash });
      const body = `--x\r\ncontent-type: application/json\r\n\r\n${head}\r\n--x\r\ncontent-type: text/plain\r\n\r\nhello\r\n--x--`;
      const headers = {
        authorization: `Bearer ${token}`,
        "content-type": "multipart/related; boundary=x",
      };
      const url = `${fake.origin}/upload/storage/v1/b/b/o?uploadType=multipart`;
      return fetch(url, { method: "POST", headers, body });
    };
    expect((await put("line\nbreak")).status).toBe(400);
    expect((await put("x", "AAAAAAAAAAAAAAAAAAAAAA==")).status).toBe(400);
    expect((await put("x", "XUFAKrxLKna5cZ2REBfFkg==")).status).toBe(200);
    expect(fake.findObject("b", "x")).toMatchObject({
      crc32c: "mnG7TA==",
      generation: expect.any(String) as string,
    });
    expect(fake.operations.at(-1)).toMatchObject({ kind: "put", bucket: "b", key: "x" });
  });
});

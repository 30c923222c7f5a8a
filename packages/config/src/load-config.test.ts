import { isAppError } from "@bucketbridge/core";
import { describe, expect, it } from "vitest";
import { loadConfig, type Environment } from "./load-config.ts";
import { ambientSlice } from "./slices/ambient.ts";
import { databaseSlice } from "./slices/database.ts";
import { httpSlice } from "./slices/http.ts";
import { localFilesSlice } from "./slices/local-files.ts";
import { ownerSlice } from "./slices/owner.ts";
import { secretsSlice } from "./slices/secrets.ts";
import { storageTypesSlice } from "./slices/storage-types.ts";
import { workerSlice } from "./slices/worker.ts";

const KEY = "k1:8f1Zq0xkQ3vB7mN2sT5uY9wA4cE6gI8jL0oP1rS3tU4=";
const TOKEN_KEY = "q8Zr2Lx0Vn5Ty7Bw3Km9Cd1Fg4Hj6Psv";
const OWNER_TOKEN = "3f9c1b7a5e2d8460c9b1a7f3e5d2846071c9b3af";

function problemsOf(load: () => unknown): readonly string[] {
  try {
    load();
  } catch (error) {
    if (!isAppError(error, "invalid_config")) throw error;
    return error.message.split("\n").slice(1);
  }
  return [];
}

function secretProblems(env: Environment): readonly string[] {
  return problemsOf(() =>
    loadConfig({ secrets: secretsSlice, owner: ownerSlice }, { ...goodSecrets, ...env }),
  );
}

const goodSecrets = { BUCKETBRIDGE_SECRET_KEYS: KEY, BUCKETBRIDGE_TOKEN_KEY: TOKEN_KEY };

describe("loadConfig", () => {
  it("fills in the defaults, a blank variable being unset", () => {
    const { http } = loadConfig({ http: httpSlice }, { PORT: "  ", LABEL_STUDIO_HOST: "" });
    expect(http).toEqual({
      port: 8080,
      host: "127.0.0.1",
      hostPrefix: undefined,
      trustProxy: false,
      maxBodyBytes: 64 * 1024 * 1024,
    });
  });

  it("names every problem of every slice at once", () => {
    const problems = problemsOf(() =>
      loadConfig(
        { http: httpSlice, database: databaseSlice, storageTypes: storageTypesSlice },
        { PORT: "80a", BUCKETBRIDGE_TRUST_PROXY: "maybe", BUCKETBRIDGE_STORAGE_TYPES: "few" },
      ),
    );
    expect(problems.map((problem) => problem.trim().split(" ")[0])).toEqual([
      "PORT",
      "BUCKETBRIDGE_TRUST_PROXY",
      "DATABASE_URL",
      "BUCKETBRIDGE_STORAGE_TYPES",
    ]);
  });

  it("says what a missing required variable is for", () => {
    const problems = problemsOf(() => loadConfig({ database: databaseSlice }, {}));
    expect(problems).toEqual([expect.stringContaining("DATABASE_URL is not set: PostgreSQL 15")]);
  });

  it("refuses a misspelt variable of its own and ignores those of others", () => {
    const problems = problemsOf(() =>
      loadConfig({ http: httpSlice }, { BUCKETBRIDGE_TRUST_PROXI: "true", PATH: "/bin" }),
    );
    expect(problems).toEqual([
      expect.stringContaining("BUCKETBRIDGE_TRUST_PROXI is not a variable"),
    ]);
  });

  it("takes the slash off the end of the host prefix", () => {
    const { http } = loadConfig(
      { http: httpSlice },
      { LABEL_STUDIO_HOST: "https://label.example.org/" },
    );
    expect(http.hostPrefix).toBe("https://label.example.org");
  });

  it("looks a name of the contract up with both prefixes before the bare one", () => {
    const env = {
      S3_ENDPOINT: "http://c",
      HEARTEX_S3_ENDPOINT: "http://b",
      LABEL_STUDIO_S3_ENDPOINT: "http://a",
    };
    const endpointOf = (environment: Environment): string | undefined =>
      loadConfig({ ambient: ambientSlice }, environment).ambient.s3Endpoint;
    expect(endpointOf(env)).toBe("http://a");
    expect(endpointOf({ ...env, LABEL_STUDIO_S3_ENDPOINT: "" })).toBe("http://b");
    expect(endpointOf({ S3_ENDPOINT: "http://c" })).toBe("http://c");
  });

  it("refuses a relative document root", () => {
    const problems = problemsOf(() =>
      loadConfig({ localFiles: localFilesSlice }, { LOCAL_FILES_DOCUMENT_ROOT: "data" }),
    );
    expect(problems).toEqual([expect.stringContaining("must be an absolute path")]);
  });

  it.each([
    ["import", ["import"]],
    ["export, import", ["export", "import"]],
    ["all", ["import", "export"]],
  ])("reads the worker groups %s", (text, groups) => {
    const { worker } = loadConfig({ worker: workerSlice }, { BUCKETBRIDGE_WORKER_QUEUES: text });
    expect(worker.groups).toEqual(groups);
  });
});

describe("secrets of the configuration", () => {
  it("arrive wrapped", () => {
    const { secrets, owner } = loadConfig(
      { secrets: secretsSlice, owner: ownerSlice },
      {
        ...goodSecrets,
        BUCKETBRIDGE_OWNER_EMAIL: "a@b.example",
        BUCKETBRIDGE_OWNER_TOKEN: OWNER_TOKEN,
      },
    );
    const shown = JSON.stringify({ secrets, owner });
    for (const secret of [TOKEN_KEY, OWNER_TOKEN, KEY]) expect(shown).not.toContain(secret);
    expect(secrets.tokenKeys.map((key) => key.reveal())).toEqual([TOKEN_KEY]);
    expect(secrets.secretKeys.reveal()).toBe(KEY);
  });

  it.each([
    ["no keys at all", { BUCKETBRIDGE_SECRET_KEYS: "" }, "is not set"],
    [
      "a key without an id",
      { BUCKETBRIDGE_SECRET_KEYS: KEY.slice(3) },
      "entry 1 must look like id:base64",
    ],
    [
      "a key of 16 bytes",
      { BUCKETBRIDGE_SECRET_KEYS: "k1:8f1Zq0xkQ3vB7mN2sT5uYw==" },
      "has 16 bytes and needs 32",
    ],
    ["a key that is not base64", { BUCKETBRIDGE_SECRET_KEYS: "k1:%%%" }, "entry 1 is not base64"],
    [
      "a key of zeros",
      { BUCKETBRIDGE_SECRET_KEYS: `k1:${"A".repeat(43)}=` },
      "repeats too few different bytes",
    ],
    ["two keys of one id", { BUCKETBRIDGE_SECRET_KEYS: `${KEY},${KEY}` }, "the same key id twice"],
    ["a short token key", { BUCKETBRIDGE_TOKEN_KEY: "short" }, "needs 32"],
    [
      "a default token key",
      { BUCKETBRIDGE_TOKEN_KEY: "please-changeme-please-changeme-123" },
      "well-known default",
    ],
    [
      "the token key of CVE-2023-43791",
      { BUCKETBRIDGE_TOKEN_KEY: "$(fefwefwef13;LFK{P!)@#*!)kdsjfWF2l+i5e3t(8a1n" },
      "well-known default",
    ],
    [
      "a short owner token",
      { BUCKETBRIDGE_OWNER_EMAIL: "a@b.example", BUCKETBRIDGE_OWNER_TOKEN: OWNER_TOKEN.slice(1) },
      "it has 39 characters and needs 40",
    ],
    [
      "a monotonous owner token",
      { BUCKETBRIDGE_OWNER_EMAIL: "a@b.example", BUCKETBRIDGE_OWNER_TOKEN: "ab".repeat(20) },
      "too few different characters",
    ],
    [
      "an owner without a token",
      { BUCKETBRIDGE_OWNER_EMAIL: "a@b.example" },
      "must be set together",
    ],
  ])("refuses %s", (_name, env, problem) => {
    const problems = secretProblems(env);
    expect(problems).toEqual([expect.stringContaining(problem)]);
  });

  it("are never repeated in a problem", () => {
    const env = {
      BUCKETBRIDGE_SECRET_KEYS: "k1:c2VjcmV0LWNhbmFyeQ==",
      DATABASE_URL: "mysql://u:canary-pass@h/d",
    };
    const text = problemsOf(() =>
      loadConfig({ secrets: secretsSlice, database: databaseSlice }, env),
    ).join();
    expect(text).toContain("DATABASE_URL must be a URL that starts with postgresql://");
    expect(text).not.toMatch(/c2VjcmV0|canary/);
  });
});

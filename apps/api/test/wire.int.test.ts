import { AppError } from "@bucketbridge/core";
import type { LightMyRequestResponse } from "fastify";
import { describe, expect, it } from "vitest";
import { keysOf } from "./fixtures/recorded.ts";
import { useApi } from "./harness.ts";

const ENVELOPE = ["id", "status_code", "version", "detail", "exc_info"];

describe("the compatible wire", () => {
  const failure: { current: Error | undefined } = { current: undefined };
  const api = useApi("api_wire", (deps) => ({
    ...deps,
    projects: {
      ...deps.projects,
      find: (organizationId, projectId) =>
        failure.current === undefined
          ? deps.projects.find(organizationId, projectId)
          : Promise.reject(failure.current),
    },
  }));

  const detailOf = async (response: Promise<LightMyRequestResponse>) => {
    const answer = await response;
    const body = answer.json<Record<string, unknown>>();
    expect(keysOf(body).slice(0, 5)).toEqual(ENVELOPE);
    expect(body).toMatchObject({
      status_code: answer.statusCode,
      version: "1.23.2",
      exc_info: null,
    });
    return `${String(answer.statusCode)} ${String(body["detail"])}`;
  };

  it.each([
    "/api/nope",
    "/api/projects/1/nope/",
    "/nope",
    "/api/storages/s3/1/2/3",
    "/api/current-user",
  ])("answers the unknown path %s with 404 in the envelope", async (url) => {
    for (const path of [url, `${url.replace(/\/$/, "")}/`]) {
      expect(await detailOf(api().request({ url: path }))).toBe("404 Not found.");
      expect(await detailOf(api().request({ url: path, method: "POST", payload: {} }))).toBe(
        "404 Not found.",
      );
    }
  });

  it("answers a method that a path lacks with 405, but only to those who may ask", async () => {
    const response = await api().request({ method: "DELETE", url: "/api/projects/" });
    expect(response.headers.allow).toBe("GET, HEAD, POST");
    expect(await detailOf(Promise.resolve(response))).toBe('405 Method "DELETE" not allowed.');
    expect(
      await detailOf(api().request({ method: "DELETE", url: "/api/projects", token: null })),
    ).toContain("401");
  });

  it("takes both slash forms of every route and never redirects", async () => {
    for (const url of [
      "/api/projects",
      "/api/projects/",
      "/api/storages/types",
      "/api/storages/types/",
      "/api/version",
    ]) {
      const response = await api().request({ url });
      expect(`${url} ${String(response.statusCode)}`).toBe(`${url} 200`);
    }
    const posted = await api().request({
      method: "POST",
      url: "/api/projects",
      payload: { title: "No slash" },
    });
    expect(posted.statusCode).toBe(201);
  });

  it("answers HEAD where it answers GET", async () => {
    const response = await api().request({ method: "HEAD", url: "/api/projects/" });
    expect([response.statusCode, response.body]).toEqual([200, ""]);
  });

  it.each([
    ["{bad", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"],
    ['{"a": }', "Expecting value: line 1 column 7 (char 6)"],
    ["", undefined],
  ])("reads the body %j", async (payload, problem) => {
    const response = await api().request({
      method: "POST",
      url: "/api/projects/",
      headers: { "content-type": "application/json" },
      payload,
    });
    if (problem === undefined) {
      expect(response.statusCode).toBe(201);
      return;
    }
    expect(await detailOf(Promise.resolve(response))).toBe(`400 JSON parse error - ${problem}`);
    expect(response.json<Record<string, unknown>>()["validation_errors"]).toBeUndefined();
  });

  it("refuses other content types with 415 and other answers than JSON with 406", async () => {
    const text = {
      method: "POST",
      url: "/api/projects/",
      payload: "a,b",
      headers: { "content-type": "text/csv" },
    } as const;
    expect(await detailOf(api().request(text))).toBe(
      '415 Unsupported media type "text/csv" in request.',
    );
    const xml = { url: "/api/projects/", headers: { accept: "application/xml" } };
    expect(await detailOf(api().request(xml))).toBe(
      "406 Could not satisfy the request Accept header.",
    );
    for (const accept of [
      "*/*",
      "text/html,application/xhtml+xml,*/*;q=0.8",
      "application/json; indent=4",
    ]) {
      expect((await api().request({ url: "/api/projects/", headers: { accept } })).statusCode).toBe(
        200,
      );
    }
  });

  it("bounds the body", async () => {
    const title = "x".repeat(1024 * 1024);
    const response = api().request({ method: "POST", url: "/api/projects/", payload: { title } });
    expect(await detailOf(response)).toBe("413 Request body exceeded the configured limit.");
  });

  it("gives each request an id that the envelope, a header and the log share", async () => {
    const response = await api().request({
      url: "/api/projects/0/",
      headers: { "x-request-id": "trace-me-0815" },
    });
    expect(response.headers["x-request-id"]).toBe("trace-me-0815");
    expect(response.json<{ id: string }>().id).toBe("trace-me-0815");
    expect(api().log()).toContain('"reqId":"trace-me-0815"');
    const hostile = await api().request({
      url: "/api/projects/0/",
      headers: { "x-request-id": "a b\nc" },
    });
    expect(hostile.headers["x-request-id"]).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("sends headers that keep browsers from doing anything with an answer", async () => {
    const { headers } = await api().request({ url: "/api/projects/" });
    expect(headers).toMatchObject({
      "x-content-type-options": "nosniff",
      "x-frame-options": "DENY",
      "referrer-policy": "no-referrer",
      "cache-control": "no-store",
      "content-security-policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    });
    expect(headers["set-cookie"]).toBeUndefined();
  });

  it("says nothing of the inside when something unforeseen happens, and logs it", async () => {
    failure.current = new TypeError("secret-canary-inside");
    try {
      const response = await api().request({ url: "/api/projects/1/" });
      expect(await detailOf(Promise.resolve(response))).toBe("500 Internal server error.");
      expect(response.body).not.toContain("canary");
      expect(api().log()).toContain("secret-canary-inside");
    } finally {
      failure.current = undefined;
    }
  });

  it.each([
    [{ code: "unavailable", op: "storage.list" }, 400],
    [{ code: "conflict", op: "storage.put" }, 400],
    [{ code: "rate_limited", op: "storage.list" }, 400],
    [{ code: "permission_denied", reason: "egress.private_address" }, 403],
    [{ code: "unavailable", op: "db.projects" }, 503],
    [{ code: "conflict", op: "db.projects" }, 400],
    [{ code: "internal", op: "db.projects" }, 500],
  ] as const)("maps the failure %j to %i: no 409, no 5xx for a store", async (init, status) => {
    failure.current = new AppError({ ...init, message: "said in words" });
    try {
      expect((await api().request({ url: "/api/projects/1/" })).statusCode).toBe(status);
    } finally {
      failure.current = undefined;
    }
  });

  it("describes itself at /docs, whose page needs no other host", async () => {
    const document = await api().request({ url: "/docs/json", token: null });
    const { openapi, paths } = document.json<{ openapi: string; paths: Record<string, unknown> }>();
    expect(openapi).toBe("3.1.0");
    expect(Object.keys(paths)).toEqual(
      expect.arrayContaining(["/api/projects/", "/api/v1/runs/{id}"]),
    );
    expect(Object.keys(paths).filter((path) => path.startsWith("/admin"))).toEqual([]);
    const page = await api().request({ url: "/docs/", token: null });
    expect(page.statusCode).toBe(200);
    expect(page.headers["content-security-policy"]).toContain("default-src 'self'");
    expect(page.body).not.toMatch(/src="https?:/);
  });

  it("answers probes and metrics to anybody", async () => {
    for (const url of ["/livez", "/readyz", "/version", "/metrics"]) {
      expect((await api().request({ url, token: null })).statusCode).toBe(200);
    }
    const metrics = await api().request({ url: "/metrics", token: null });
    expect(metrics.body).toContain(
      'bucketbridge_http_request_seconds_count{method="GET",route="/livez",status="200"}',
    );
  });
});

describe("the native API", () => {
  const api = useApi("api_native_errors");

  it("answers errors as problems", async () => {
    for (const [url, status] of [
      ["/api/v1/nope", 404],
      ["/api/v1/runs/999999", 404],
    ] as const) {
      const response = await api().request({ url });
      expect(response.headers["content-type"]).toBe("application/problem+json; charset=utf-8");
      expect(response.json()).toMatchObject({
        type: "about:blank",
        status,
        instance: url,
        code: "not_found",
        reason: null,
      });
    }
    const anonymous = await api().request({ url: "/api/v1/runs/1", token: null });
    expect(anonymous.json()).toMatchObject({ status: 401, code: "unauthenticated" });
  });
});

describe("readiness", () => {
  const state = { isStopping: false, isDown: false };
  const api = useApi("api_readiness", (deps) => ({
    ...deps,
    health: {
      ...deps.health,
      isStopping: () => state.isStopping,
      pingDatabase: () =>
        state.isDown
          ? Promise.reject(new AppError({ code: "unavailable", message: "no database" }))
          : deps.health.pingDatabase(),
    },
  }));

  it("is 503 while the database is away and while the process stops; liveness stays", async () => {
    const ready = async () => (await api().request({ url: "/readyz", token: null })).body;
    expect(await ready()).toBe('{"status":"ok"}');
    state.isDown = true;
    expect(await ready()).toBe('{"status":"database: unavailable"}');
    state.isDown = false;
    state.isStopping = true;
    expect(await ready()).toBe('{"status":"stopping"}');
    expect((await api().request({ url: "/livez", token: null })).statusCode).toBe(200);
  });
});

import { AppError, silentLogger } from "@bucketbridge/core";
import { afterEach, describe, expect, it } from "vitest";
import { JSON_TYPE, startHealthServer, type HealthServer } from "./health-server.ts";

describe("the health server", () => {
  let server: HealthServer | undefined;
  let isReady = true;

  afterEach(async () => {
    await server?.close();
    server = undefined;
    isReady = true;
  });

  async function get(path: string, method = "GET"): Promise<{ status: number; body: string }> {
    server ??= await startHealthServer({
      host: "127.0.0.1",
      port: 0,
      log: silentLogger,
      pages: {
        "/readyz": {
          contentType: JSON_TYPE,
          render: () => {
            if (isReady) return '{"status":"ok"}';
            throw new AppError({ code: "unavailable", message: "shutting down" });
          },
        },
      },
    });
    const response = await fetch(`http://127.0.0.1:${String(server.port)}${path}`, { method });
    return { status: response.status, body: await response.text() };
  }

  it("answers its pages, with and without a final slash", async () => {
    expect(await get("/readyz")).toEqual({ status: 200, body: '{"status":"ok"}' });
    expect(await get("/readyz/?probe=1")).toEqual({ status: 200, body: '{"status":"ok"}' });
    expect(await get("/readyz", "HEAD")).toEqual({ status: 200, body: "" });
  });

  it("answers 503 with the code while a page fails", async () => {
    isReady = false;
    expect(await get("/readyz")).toEqual({ status: 503, body: '{"status":"unavailable"}' });
  });

  it("knows nothing else", async () => {
    expect((await get("/")).status).toBe(404);
    expect((await get("/constructor")).status).toBe(404);
    expect((await get("/readyz", "POST")).status).toBe(405);
  });

  it("says which port is taken", async () => {
    await get("/readyz");
    const again = startHealthServer({
      host: "127.0.0.1",
      port: server?.port ?? 0,
      log: silentLogger,
      pages: {},
    });
    await expect(again).rejects.toThrow(/in use by another program: set BUCKETBRIDGE_WORKER_PORT/);
  });
});

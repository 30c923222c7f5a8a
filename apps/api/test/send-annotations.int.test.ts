import { spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import type { AddressInfo } from "node:net";
import { beforeAll, describe, expect, it } from "vitest";
import { makeAnnotating } from "./fixtures/annotating.ts";
import { useApi } from "./harness.ts";

const PAGE = fs.readFileSync(
  new URL("../../../docs/how-to/send-annotations.md", import.meta.url),
  "utf8",
);

/** The block of the page that begins with this line. */
function example(fence: string): string {
  const block = new RegExp(`^\`\`\`${fence}\\n([\\s\\S]*?)^\`\`\`$`, "m").exec(PAGE);
  return block?.[1] ?? "";
}

function has(command: string, ask = "--version"): boolean {
  return spawnSync(command, [ask]).status === 0;
}

describe("the examples of docs/how-to/send-annotations.md", () => {
  const api = useApi("api_send_annotations");
  const { send, makeProject } = makeAnnotating(api);
  let env: Record<string, string> = {};

  beforeAll(async () => {
    await api().app.listen({ host: "127.0.0.1", port: 0 });
    const { port } = api().app.server.address() as AddressInfo;
    const project = await makeProject();
    const data = { image: "http://x/1.png" };
    await send("POST", "/api/tasks/", { project, data, external_id: "t-7" });
    const keys = `/api/v1/projects/${String(project)}/event-keys`;
    const { secret } = await send<{ secret: string }>("POST", keys);
    env = { URL: `http://127.0.0.1:${String(port)}`, PROJECT: String(project), SECRET: secret };
  });

  /** What a program prints; it may take as long as a loaded machine needs. */
  async function run(command: string, args: readonly string[], input: string): Promise<string> {
    const child = spawn(command, args, { env: { PATH: process.env["PATH"] ?? "", ...env } });
    let printed = "";
    let complaint = "";
    child.stdout.on("data", (chunk: Buffer) => (printed += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (complaint += chunk.toString()));
    child.stdin.end(input);
    const code = await new Promise((resolve) => child.on("close", resolve));
    expect(`${String(code)} ${complaint}`).toMatch(/^0 /);
    return printed;
  }
  const statusOf = (printed: string): string | undefined =>
    (JSON.parse(printed) as { results: { status: string }[] }).results[0]?.status;

  it.skipIf(!has("curl") || !has("openssl", "version"))(
    "sign with openssl and send with curl",
    async () => {
      expect(statusOf(await run("sh", ["-s"], example("bash signed")))).toBe("saved");
    },
  );

  it.skipIf(!has("python3"))("sign and send in Python", async () => {
    expect(statusOf(await run("python3", ["-"], example("python")))).toBe("saved");
  });

  it("sign and send in JavaScript", async () => {
    const args = ["--input-type=module", "-"];
    expect(statusOf(await run(process.execPath, args, example("js")))).toBe("deleted");
  });
});

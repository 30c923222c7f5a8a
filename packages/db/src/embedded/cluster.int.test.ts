import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, expect, it } from "vitest";
import { waitFor } from "@bucketbridge/testkit";
import { startCluster, type Cluster } from "./cluster.ts";
import { readPostmaster } from "./postmaster.ts";

const dirs: string[] = [];
const clusters: Cluster[] = [];
const children: ChildProcess[] = [];

// Each test starts PostgreSQL once or twice, a second each on a busy machine.
afterEach(async () => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  await Promise.all(clusters.splice(0).map((cluster) => cluster.stop()));
  for (const dir of dirs.splice(0)) fs.rmSync(dir, { recursive: true, force: true });
});

function aDir(): string {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "bucketbridge-cluster-"));
  dirs.push(dir);
  return dir;
}

async function start(dir: string, port?: number): Promise<Cluster> {
  const cluster = await startCluster({ dir, port, auth: "trust", durability: "test" });
  clusters.push(cluster);
  return cluster;
}

/** Starts a cluster in a process of its own, which then waits to be killed. */
async function startElsewhere(
  dir: string,
): Promise<{ child: ChildProcess; pid: number; dataDir: string }> {
  const module = JSON.stringify(pathToFileURL(path.join(import.meta.dirname, "cluster.ts")).href);
  const program = `import { startCluster } from ${module};
    const cluster = await startCluster({ dir: process.argv[1], auth: "trust", durability: "test" });
    console.log(JSON.stringify({ pid: cluster.pid, dataDir: cluster.dataDir }));
    setInterval(() => undefined, 1000);`;
  const args = ["--input-type=module", "--eval", program, dir];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  const line = await waitFor(() => output.includes("\n") && output, { timeoutMs: 20_000 });
  return { child, ...(JSON.parse(line) as { pid: number; dataDir: string }) };
}

/** A zombie is dead: only its parent, which may be slow, has not noticed. */
function isAlive(pid: number): boolean {
  const stat = `/proc/${String(pid)}/stat`;
  return fs.existsSync(stat) && !fs.readFileSync(stat, "utf8").includes(") Z ");
}

it("ends PostgreSQL when its parent is killed", async () => {
  const { child, pid } = await startElsewhere(aDir());
  child.kill("SIGKILL");
  await waitFor(() => !isAlive(pid), { timeoutMs: 10_000, what: "PostgreSQL to end" });
});

it("stops a PostgreSQL that lost its parent and its watchdog", async () => {
  const dir = aDir();
  const { child, pid, dataDir } = await startElsewhere(dir);
  for (const killed of familyOf(pid)) process.kill(killed, "SIGKILL");
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
  expect(isAlive(pid)).toBe(true);
  const cluster = await start(dir);
  expect(cluster.pid).not.toBe(pid);
  expect(isAlive(pid)).toBe(false);
  expect(readPostmaster(dataDir)?.pid).toBe(cluster.pid);
});

it("refuses a second start on the same directory, and leaves the first one alone", async () => {
  const dir = aDir();
  const first = await start(dir);
  await expect(startCluster({ dir, auth: "trust", durability: "test" })).rejects.toMatchObject({
    code: "conflict",
    message: expect.stringContaining(`process ${String(process.pid)}`) as unknown,
  });
  expect(isAlive(first.pid)).toBe(true);
});

it("takes another port when the wanted one is busy", async () => {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as net.AddressInfo;
  const cluster = await start(aDir(), port);
  expect(cluster.port).not.toBe(port);
  server.close();
});

it("says when PostgreSQL ended by itself, and when it was stopped", async () => {
  const dir = aDir();
  const crashed = await start(dir);
  process.kill(crashed.pid, "SIGKILL");
  await expect(crashed.exited).resolves.toMatchObject({ expected: false });
  const again = await start(dir);
  await again.stop();
  await expect(again.exited).resolves.toMatchObject({ expected: true, code: 0 });
  await expect(again.stop()).resolves.toBeUndefined();
});

/** The shell above PostgreSQL and the other children of that shell. */
function familyOf(pid: number): number[] {
  const parentOf = (id: string): number =>
    Number(fs.readFileSync(`/proc/${id}/stat`, "utf8").split(") ").at(-1)?.split(" ")[1]);
  const shell = parentOf(String(pid));
  const ids = fs.readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const siblings = ids.filter(
    (id) => Number(id) !== pid && fs.existsSync(`/proc/${id}/stat`) && parentOf(id) === shell,
  );
  // The reader first: it would stop PostgreSQL when the shell is gone.
  return [...siblings.map(Number), shell];
}

// Only root's PostgreSQL runs as another account, which a closed folder keeps out.
it.skipIf(process.getuid?.() !== 0)(
  "starts afresh when the folder was deleted, also where the cluster lies elsewhere",
  async () => {
    const closed = aDir();
    fs.chmodSync(closed, 0o700);
    const dir = path.join(closed, "postgres");
    const first = await start(dir);
    expect(first.dataDir.startsWith(closed)).toBe(false);
    const marker = path.join(first.dataDir, "..", "of-the-first");
    fs.writeFileSync(marker, "");
    await first.stop();
    const again = await start(dir);
    expect(fs.existsSync(marker)).toBe(true);
    await again.stop();
    fs.rmSync(dir, { recursive: true });
    const afresh = await start(dir);
    expect(afresh.dataDir).toBe(first.dataDir);
    expect(fs.existsSync(marker)).toBe(false);
    await afresh.stop();
    dirs.push(path.dirname(first.dataDir));
  },
);

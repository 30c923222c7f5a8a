import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { AppError, Secret } from "@bucketbridge/core";
import { withPgClient } from "@bucketbridge/db";
import { findCanary, toCanary } from "@bucketbridge/testkit";
import type { Answer, Client } from "./client.ts";

/** A text that somebody outside may read, and where it was seen. */
export interface Seen {
  readonly where: string;
  readonly text: string;
}

/** A client that keeps every answer. */
export function keepAnswers(client: Client, seen: Seen[]): Client {
  const call = async (...args: Parameters<Client["call"]>): Promise<Answer> => {
    const answer = await client.call(...args);
    seen.push({ where: `${args[0]} ${args[1]}`, text: answer.text });
    return answer;
  };
  return { ...client, call };
}

/** Every row of every table, the queue's included, as JSON; bytes are hexadecimal. */
export async function dumpDatabase(adminUrl: string): Promise<readonly Seen[]> {
  return withPgClient(new Secret(adminUrl), async (client) => {
    const tables = await client.query<{ name: string }>(
      `SELECT format('%I.%I', table_schema, table_name) AS name FROM information_schema.tables
       WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1`,
    );
    const seen: Seen[] = [];
    for (const { name } of tables.rows) {
      const { rows } = await client.query<{ text: string }>(
        `SELECT to_jsonb(row)::text AS text FROM ${name} AS row`,
      );
      seen.push(...rows.map(({ text }) => ({ where: `table ${name}`, text })));
    }
    return seen;
  });
}

/** Everything that is said to a Redis from now on, also what is gone again a moment later. */
export interface RedisWitness {
  readonly text: () => string;
  close(): void;
}

/** Listens to a Redis by MONITOR. */
export async function watchRedis(url: string): Promise<RedisWitness> {
  const socket = await openRedis(url);
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.write("MONITOR\r\n");
  await once(socket, "data");
  return {
    text: () => Buffer.concat(chunks).toString("latin1"),
    close: () => {
      socket.destroy();
    },
  };
}

/** Sends commands that hold no quotes; throws when one of them is refused. */
export async function tellRedis(url: string, commands: readonly string[]): Promise<void> {
  const socket = await openRedis(url);
  socket.end(`${[...commands, "QUIT"].join("\r\n")}\r\n`);
  let answer = "";
  for await (const chunk of socket) answer += String(chunk);
  if (answer.includes("-ERR") || answer.includes("-NOAUTH"))
    throw new AppError({ code: "internal", message: `redis refused: ${answer}` });
}

async function openRedis(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  await once(socket, "connect");
  return socket;
}

/** Which secret was seen where, and in which form. Empty is what a test wants. */
export function findLeaks(
  secrets: Readonly<Record<string, string>>,
  seen: readonly Seen[],
): readonly string[] {
  const leaks = new Set<string>();
  for (const [name, value] of Object.entries(secrets)) {
    const canary = toCanary(value);
    for (const { where, text } of seen) {
      for (const form of findCanary(text, canary)) leaks.add(`${name} in ${where}, ${form}`);
    }
  }
  return [...leaks];
}

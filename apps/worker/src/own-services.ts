import type { ServiceAddress } from "@bucketbridge/storage/egress";
import type { WorkerSettings } from "./settings.ts";

/** Storages must not reach our own servers, whatever the operator opened. */
export function ownServices({
  database,
  redisUrl,
}: Pick<WorkerSettings, "database" | "redisUrl">): ServiceAddress[] {
  const services = [toAddress(database.url.reveal(), 5432)];
  if (redisUrl !== undefined) services.push(toAddress(redisUrl.reveal(), 6379));
  return services;
}

function toAddress(url: string, defaultPort: number): ServiceAddress {
  const { hostname: host, port } = new URL(url);
  return { host, port: port === "" ? defaultPort : Number(port) };
}

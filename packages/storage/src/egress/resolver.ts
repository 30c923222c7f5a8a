import { lookup } from "node:dns/promises";
import type { LookupAddress } from "node:dns";

/** All addresses of a name, in the order to try them. Rejects with the system's error (`ENOTFOUND`, `EAI_AGAIN`). */
export type Resolver = (host: string) => Promise<readonly LookupAddress[]>;

/** The system's resolver, so that /etc/hosts and search domains work as for every other program of the machine. */
export const systemResolver: Resolver = (host) => lookup(host, { all: true, order: "verbatim" });

import type { LookupAddress } from "node:dns";
import { isIP } from "node:net";
import { untilAborted } from "@bucketbridge/core";
import { findMetadataName, findReservedBlock } from "./addresses.ts";
import type { AllowList } from "./allow-list.ts";
import type { OwnServices } from "./own-services.ts";
import { refusedAddress, refusedOwnService, unresolvable } from "./refusal.ts";
import type { Resolver } from "./resolver.ts";

/** Asked before every connection. */
export interface ConnectGuard {
  /** The addresses that may be dialled for a host; throws what `refusal.ts` describes. */
  resolve(host: string, port: number, signal?: AbortSignal): Promise<readonly LookupAddress[]>;
}

/** What the guard decides by. */
export interface AddressGuardDeps {
  readonly allow: AllowList;
  readonly own: OwnServices;
  readonly resolver: Resolver;
}

/** A name server that says nothing for this long counts as "not now"; the system's own limit is above half a minute. */
const RESOLVE_TIMEOUT_MS = 10_000;

/** Turns a host that a user named into addresses that may be dialled. */
export class AddressGuard implements ConnectGuard {
  readonly #deps: AddressGuardDeps;

  constructor(deps: AddressGuardDeps) {
    this.#deps = deps;
  }

  /**
   * The addresses of `host`, each one checked; dial only these. One refused address refuses the host, since whoever mixes
   * public and private answers wants the private one to be tried. Throws what `refusal.ts` describes.
   */
  async resolve(
    host: string,
    port: number,
    signal?: AbortSignal,
  ): Promise<readonly LookupAddress[]> {
    signal?.throwIfAborted();
    const name = host
      .replace(/^\[|\]$/g, "")
      .toLowerCase()
      .replace(/\.$/, "");
    const metadata = findMetadataName(name);
    if (metadata !== undefined && this.#deps.allow.opensMetadataNames !== true)
      throw refusedAddress(host, metadata);
    const literal = literalAddress(name);
    const answers = literal === undefined ? await this.#lookup(name, signal) : [literal];
    for (const { address } of answers) {
      if (await this.#deps.own.includes(address, port)) throw refusedOwnService(host, port);
      const block = findReservedBlock(address);
      if (block !== undefined && !this.#deps.allow.permits(name, address, block))
        throw refusedAddress(host, block);
    }
    return answers;
  }

  async #lookup(name: string, signal: AbortSignal | undefined): Promise<readonly LookupAddress[]> {
    const deadline = AbortSignal.timeout(RESOLVE_TIMEOUT_MS);
    let answers: readonly LookupAddress[];
    try {
      answers = await untilAborted(
        this.#deps.resolver(name),
        signal ? AbortSignal.any([signal, deadline]) : deadline,
      );
    } catch (error) {
      signal?.throwIfAborted();
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      throw unresolvable(name, deadline.aborted || code === "EAI_AGAIN", error);
    }
    if (answers.length === 0 || answers.some(({ address }) => isIP(address) === 0))
      throw unresolvable(name, false);
    return answers;
  }
}

/** The address that a host stands for without a name server: `127.1`, `0x7f.1`, `2130706433` and `①②⑦.1` are literals too. */
function literalAddress(name: string): LookupAddress | undefined {
  const plain = isIP(name) === 0 ? urlHost(name) : name;
  const family = isIP(plain);
  return family === 0 ? undefined : { address: plain, family };
}

function urlHost(name: string): string {
  const parsed = URL.parse(`http://${name}/`);
  return parsed === null || parsed.username !== "" || parsed.port !== ""
    ? ""
    : parsed.hostname.replace(/^\[|\]$/g, "");
}

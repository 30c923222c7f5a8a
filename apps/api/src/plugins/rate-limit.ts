import type { Clock } from "@bucketbridge/core";
import type { FastifyRequest } from "fastify";
import { ApiError } from "../api-error.ts";
import type { Identity } from "../identity.ts";
import { toAddressKey } from "./address-key.ts";
import { TokenBuckets, type Rate } from "./token-bucket.ts";

/** How often callers may ask one process. */
export interface RateLimits {
  /** Each token, or each person with a session or access token. */
  readonly token: Rate;
  /** The same callers opening objects of tasks: a page shows hundreds of them at once. */
  readonly media: Rate;
  /** Each network address without valid credentials. */
  readonly address: Rate;
}

type Asked = Pick<FastifyRequest, "ip" | "is404"> & {
  readonly routeOptions: { readonly config: FastifyRequest["routeOptions"]["config"] };
};

/** Answers 429 to whoever asks too often. Probes are never counted. */
export class RateLimiter {
  readonly #token: TokenBuckets;
  readonly #media: TokenBuckets;
  readonly #address: TokenBuckets;

  constructor({ token, media, address }: RateLimits, clock: Clock) {
    this.#token = new TokenBuckets(token, clock);
    this.#media = new TokenBuckets(media, clock);
    this.#address = new TokenBuckets(address, clock);
  }

  /** A request on a public route. One whose body is its credential is counted as those with a token are. */
  assertAnonymous({ ip, routeOptions }: Asked): void {
    const { rate } = routeOptions.config;
    if (rate === "probe") return;
    assertTaken((rate === "signed" ? this.#token : this.#address).take(toAddressKey(ip)));
  }

  /** A request whose credentials open nothing. */
  assertRefused({ ip }: Pick<Asked, "ip">): void {
    assertTaken(this.#address.take(toAddressKey(ip)));
  }

  assertKnown({ tokenId, userId }: Identity, { routeOptions }: Asked): void {
    const caller = tokenId === undefined ? `user ${String(userId)}` : `token ${String(tokenId)}`;
    const isMedia = routeOptions.config.permission === "media.view";
    assertTaken((isMedia ? this.#media : this.#token).take(caller));
  }
}

function assertTaken(waitSeconds: number | undefined): void {
  if (waitSeconds === undefined) return;
  const seconds = Math.max(1, Math.ceil(waitSeconds));
  throw new ApiError({
    status: 429,
    code: "rate_limited",
    detail: `Request was throttled. Expected available in ${String(seconds)} second${seconds === 1 ? "" : "s"}.`,
    headers: { "retry-after": String(seconds) },
  });
}

import { createHmac, timingSafeEqual } from "node:crypto";
import type { Secret } from "@bucketbridge/core";

/** A signature may be as old as this, or as far ahead of our clock. */
const TOLERANCE_SECONDS = 300;
/** While keys rotate a sender may sign with both. */
const MAX_SIGNATURES = 2;

/** The header `X-Bucketbridge-Signature: t=<unix seconds>,v1=<hex>`, taken apart. */
export interface Signature {
  /** As it was sent: it is part of what was signed. */
  readonly time: string;
  readonly digests: readonly Uint8Array[];
}

/** Undefined for anything else than a time and one or two digests, and for a time too far from `nowMs`. */
export function readSignature(header: string, nowMs: number): Signature | undefined {
  const parts = header.split(",").map((part) => part.trim());
  const valuesOf = (name: string) =>
    parts.flatMap((part) => (part.startsWith(`${name}=`) ? [part.slice(name.length + 1)] : []));
  const [time, ...moreTimes] = valuesOf("t");
  const digests = valuesOf("v1");
  if (time === undefined || moreTimes.length > 0 || !/^\d{1,12}$/.test(time)) return undefined;
  if (Math.abs(nowMs / 1000 - Number(time)) > TOLERANCE_SECONDS) return undefined;
  if (digests.length === 0 || digests.length > MAX_SIGNATURES) return undefined;
  if (!digests.every((digest) => /^[0-9a-f]{64}$/i.test(digest))) return undefined;
  return { time, digests: digests.map((digest) => Buffer.from(digest, "hex")) };
}

/** True when one of the keys signed this body at the signature's time; takes as long wherever they differ. */
export function isSignedBy(
  keys: readonly Secret[],
  { time, digests }: Signature,
  body: Uint8Array,
): boolean {
  return keys
    .map((key) => createHmac("sha256", key.reveal()).update(`${time}.`).update(body).digest())
    .map((expected) => digests.some((digest) => timingSafeEqual(expected, digest)))
    .includes(true);
}

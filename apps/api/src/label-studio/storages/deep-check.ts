import { AppError } from "@bucketbridge/core";
import type { PlainAnswer, PlainRequest } from "../../stores/stores.ts";
import { CHECK_MS, checkConnection, toFullSettings, toScope } from "./check-connection.ts";
import { CheckSteps, type CheckStep, type DeepCheck, type OpenCheck } from "./check-steps.ts";
import { previewFiles } from "./preview.ts";
import { tryTarget } from "./probe-target.ts";
import type { StorageWarning } from "./view.ts";

/** What a check has found. */
export interface DeepReport {
  readonly warnings: readonly StorageWarning[];
  readonly steps: readonly CheckStep[];
}

/** A signature of AWS is refused from 15 minutes on. */
const MAX_SKEW_MS = 5 * 60_000;
/** Of the URL that is tried. */
const URL_SECONDS = 60;

/**
 * Tries everything that a storage will have to do, step by step: the connection, then on a source list, get, a signed URL and the
 * preflight of a browser, on a target a real put; besides, the clock and the region. Nothing is saved. A probe object is removed
 * where that is allowed. A refusal is a failed step; a refused address rejects.
 */
export async function checkDeeply(check: DeepCheck): Promise<DeepReport> {
  const { deps, kind, draft, asker } = check;
  const steps = new CheckSteps(asker.signal);
  const warnings: StorageWarning[] = [];
  const report = { warnings, steps: steps.list };
  steps.pass("settings");
  const signal = AbortSignal.any([asker.signal, AbortSignal.timeout(CHECK_MS)]);
  const isConnected = await steps.try("connection", async () => {
    warnings.push(...(await checkConnection(deps, kind, draft, { ...asker, signal })));
    return undefined;
  });
  if (!isConnected) return report;
  const open = await deps.stores.open(
    kind.definition,
    toFullSettings(draft),
    toScope(kind, draft, asker),
  );
  try {
    const opened = { ...check, open, steps, warnings, signal };
    await (kind.direction === "source" ? trySource(opened) : tryTarget(opened));
    checkRegion(opened);
  } finally {
    await open.close();
  }
  return report;
}

async function trySource(check: OpenCheck): Promise<void> {
  const { open, steps, draft, signal } = check;
  let first: string | undefined;
  await steps.try("list", async () => {
    const shown = await previewFiles({ ...open, shownName: (key) => key }, draft, {
      limit: 1,
      signal,
    });
    first = shown[0]?.size === null ? undefined : (shown[0]?.key ?? undefined);
    return first === undefined ? NOTHING_YET : undefined;
  });
  if (first === undefined) return;
  const key = first;
  await steps.try("get", () => readFirstBytes(check, key));
  if (!draft.presign || !open.store.can("presignRead")) return;
  await trySignedUrl(check, key);
}

const NOTHING_YET =
  "no object lies below the prefix and passes the filter, so reading could not be tried";

/** Ends the request at the first bytes: an object may be large. */
async function readFirstBytes({ open, signal }: OpenCheck, key: string): Promise<undefined> {
  const { body } = await open.store.read(key, {}, { signal });
  const bytes = body[Symbol.asyncIterator]();
  await bytes.next();
  await bytes.return?.();
}

async function trySignedUrl(check: OpenCheck, key: string): Promise<void> {
  const { open, steps, signal, deps, origin } = check;
  let url: URL | undefined;
  let answer: PlainAnswer | undefined;
  await steps.try("presign", async () => {
    url = await open.store.presignRead(key, { method: "GET", ttlSeconds: URL_SECONDS }, { signal });
    const headers = { range: "bytes=0-0", origin };
    answer = await ask(check, { url, method: "GET", headers });
    // An empty object has no first byte.
    if (answer.status < 300 || answer.status === 416) return undefined;
    throw refused(
      `the store answers ${String(answer.status)} to a URL that it should accept: check that the identity that signs may read the objects, and the clock of this server`,
    );
  });
  if (url === undefined || answer === undefined) return;
  checkClock(steps, answer, deps.clock.now());
  const preflight = { origin, "access-control-request-method": "GET" };
  const asked = { url, method: "OPTIONS", headers: preflight } as const;
  await steps.try("cors", async () => {
    const preflighted = await ask(check, asked);
    const { status } = preflighted;
    const allowed = preflighted.header("access-control-allow-origin");
    if (status < 300 && (allowed === "*" || allowed === origin)) return undefined;
    throw refused(
      `the store does not let pages of ${origin} read its objects (CORS, the preflight was answered with ${String(status)}): GET /api/v1/storages/${check.kind.shape.name}/setup has the rules; without them some media do not show`,
    );
  });
}

function checkClock(steps: CheckSteps, answer: PlainAnswer, nowMs: number): void {
  const storeMs = Date.parse(answer.header("date") ?? "");
  if (Number.isNaN(storeMs)) return;
  const skewMs = nowMs - storeMs;
  if (Math.abs(skewMs) <= MAX_SKEW_MS) {
    steps.pass("clock");
    return;
  }
  const seconds = String(Math.round(Math.abs(skewMs) / 1_000));
  const way = skewMs > 0 ? "ahead of" : "behind";
  steps.fail(
    "clock",
    `the clock of this server is ${seconds} seconds ${way} the store's: signatures will be refused; set it by NTP`,
  );
}

function checkRegion({ deps, kind, draft, steps, warnings }: OpenCheck): void {
  const region = deps.stores.findRegion(kind.definition, toFullSettings(draft));
  if (region === undefined) return;
  const { asked, found } = region;
  if (asked === found) {
    steps.pass("region");
    return;
  }
  const message = `the bucket is in ${found}, requests begin at ${asked}: set region_name to ${found}, which saves a detour`;
  steps.pass("region", message);
  warnings.push({ code: "storage.region_differs", message });
}

async function ask({ deps, signal }: OpenCheck, request: PlainRequest): Promise<PlainAnswer> {
  try {
    return await deps.stores.ask(request, signal);
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError({
      code: "unavailable",
      message: `the host ${request.url.host} of a signed URL does not answer`,
      cause: error,
    });
  }
}

function refused(message: string): AppError {
  return new AppError({ code: "permission_denied", message });
}

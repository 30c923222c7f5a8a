import { AppError, isAppError } from "@bucketbridge/core";
import type { StorageDriver } from "../../driver.ts";
import { classifyFailure } from "../../failure.ts";
import type { StorageDirection } from "../provider-deps.ts";
import { toVolumePath, type DatabricksSettings } from "./settings.ts";

/** What the contract's check looks at. */
export interface ConnectionCheck {
  readonly direction: StorageDirection;
  readonly prefix: string;
  readonly signal: AbortSignal;
}

/**
 * The check of a connection: the volume can be listed, and a source's prefix leads somewhere. A target needs no prefix that
 * exists. The sentences name the path and what to do; `context` holds what the workspace said.
 */
export async function checkDatabricksConnection(
  driver: StorageDriver,
  settings: DatabricksSettings,
  { direction, prefix, signal }: ConnectionCheck,
): Promise<void> {
  const place = toPlace(settings, prefix);
  let isFound: boolean;
  try {
    const page = await driver.listPage({ prefix, recursive: true, limit: 1 }, { signal });
    isFound = page.keys.length > 0 || page.cursor !== undefined || page.unreadable !== undefined;
  } catch (error) {
    throw toContractError(driver, error, { place, signal });
  }
  if (isFound || prefix === "" || direction === "target") return;
  throw new AppError({
    code: "not_found",
    reason: "databricks.prefix_not_found",
    message: emptyHint(settings, prefix),
  });
}

/** What to look at when nothing was found. */
export function emptyHint(settings: DatabricksSettings, prefix: string): string {
  return `No files found in ${toPlace(settings, prefix)}: verify the path and that the token may read the volume (READ VOLUME).`;
}

function toPlace(settings: DatabricksSettings, prefix: string): string {
  const path = prefix.replace(/^\/+|\/+$/g, "");
  return `/${toVolumePath(settings)}${path === "" ? "" : `/${path}`}`;
}

function toContractError(
  driver: StorageDriver,
  error: unknown,
  { place, signal }: { readonly place: string; readonly signal: AbortSignal },
): AppError {
  const known = classifyFailure(driver, error, signal);
  const { code = "internal", reason, detail = "an unexpected error", hint } = known ?? {};
  if (reason?.startsWith("egress.") === true && isAppError(error)) return error;
  const said = code === "canceled" ? "the workspace did not answer in time" : detail;
  return new AppError({
    code,
    reason,
    message: `Cannot connect to Databricks volume ${place}: ${said}${hint === undefined ? "" : `; ${hint}`}`,
    context: { place, detail, hint },
    cause: error,
  });
}

import { AppError, isAppError } from "@bucketbridge/core";
import type { ErrorClass, StorageDriver } from "../../driver.ts";
import { classifyFailure } from "../../failure.ts";
import type { StorageDirection } from "../provider-deps.ts";

/** What the contract's check looks at. */
export interface ConnectionCheck {
  readonly container: string;
  readonly direction: StorageDirection;
  readonly prefix: string;
  readonly signal: AbortSignal;
}

/**
 * The contract's check (ls-api §7.6): the container can be listed, and of a source with a prefix at least one blob begins with it.
 * For a target whose identity may only write, the refusal is `permission_denied`, of which the caller makes a warning. The sentences
 * are the contract's; `context` holds what the store said and what to do.
 */
export async function checkAzureConnection(
  driver: StorageDriver,
  { container, direction, prefix, signal }: ConnectionCheck,
): Promise<void> {
  let found: number;
  try {
    const page = await driver.listPage({ prefix, recursive: true, limit: 1 }, { signal });
    found = page.keys.length;
  } catch (error) {
    throw toContractError(error, container, classifyFailure(driver, error, signal));
  }
  if (found > 0 || prefix === "" || direction === "target") return;
  throw new AppError({
    code: "not_found",
    reason: "azure.prefix_not_found",
    message: `azure-blob://${container}/${prefix} not found.`,
  });
}

function toContractError(
  error: unknown,
  container: string,
  known: ErrorClass | undefined,
): AppError {
  const { code = "internal", reason, detail, hint } = known ?? {};
  if (isAppError(error) && reason?.startsWith("azure.malformed") !== true) return error;
  return new AppError({
    code,
    reason,
    message: toSentence(container, known),
    context: { container, detail, hint },
    cause: error,
  });
}

function toSentence(container: string, known: ErrorClass | undefined): string {
  const hint = known?.hint === undefined ? "" : `; ${known.hint}`;
  switch (known?.code) {
    case "not_found":
      return `Container not found: ${container}`;
    case "timeout":
    case "canceled":
      return `Cannot connect to Azure container ${container}: the store did not answer in time`;
    default:
      return `Cannot connect to Azure container ${container}: ${known?.detail ?? "an unexpected error"}${hint}`;
  }
}

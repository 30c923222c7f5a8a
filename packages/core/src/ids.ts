import { AppError } from "./errors.ts";

/**
 * A database `bigint` as a JavaScript number. The wire has integers everywhere, so beyond 2^53 - 1 this throws
 * `internal` instead of losing digits (design §5).
 */
export function toSafeId(value: bigint | number): number {
  const id = Number(value);
  if (!Number.isSafeInteger(id))
    throw new AppError({ code: "internal", message: "an id is beyond 2^53" });
  return id;
}

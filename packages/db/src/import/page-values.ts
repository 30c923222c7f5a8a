import { DRY_RUN_SAMPLE } from "@bucketbridge/core";
import type { StatementValue } from "../statements.ts";
import { toStorableText } from "../storable-text.ts";
import type { InnerIdRange } from "./inner-ids.ts";
import type { RefusedKeyRecord, ScanPageRecord, UnitLeaseRecord } from "./records.ts";

// Parameters of the page statements in the order of their headers in sql/.

/** Run, unit and epoch: the first parameters of every write under a unit's lease. */
export function unitKey(lease: UnitLeaseRecord): [number, number, number] {
  return [lease.runId, lease.number, lease.epoch];
}

/** For `page-known`. */
export function knownPageValues(
  lease: UnitLeaseRecord,
  page: ScanPageRecord,
  options: { readonly leaseSeconds: number; readonly method: "files" | "tasks" },
): StatementValue[] {
  return [
    ...unitKey(lease),
    page.keys,
    ...checkpoint(page),
    options.leaseSeconds,
    options.method === "files",
    page.lastKey,
  ];
}

/** For `page-files`. */
export function filesPageValues(
  lease: UnitLeaseRecord,
  page: ScanPageRecord,
  options: {
    readonly references: readonly string[];
    readonly ids: InnerIdRange;
    readonly leaseSeconds: number;
    readonly tallySlot: number;
  },
): StatementValue[] {
  const { references, ids, leaseSeconds, tallySlot } = options;
  const prefix = commonPrefix(page.keys, references);
  return [
    ...unitKey(lease),
    ...objectColumns(page),
    prefix === null ? references : null,
    ids.base,
    ids.count,
    ...checkpoint(page),
    leaseSeconds,
    tallySlot,
    page.lastKey,
    ...refusedColumns(page.refused),
    prefix,
  ];
}

/** For `page-tasks`. */
export function tasksPageValues(
  lease: UnitLeaseRecord,
  page: ScanPageRecord,
  leaseSeconds: number,
): StatementValue[] {
  return [
    ...unitKey(lease),
    ...objectColumns(page),
    failureCodes(page),
    page.failures.map((failure) => (failure === null ? null : toStorableText(failure.message))),
    ...checkpoint(page),
    leaseSeconds,
    page.lastKey,
    ...refusedColumns(page.refused),
  ];
}

/** For `page-dry-run`. */
export function dryRunPageValues(
  lease: UnitLeaseRecord,
  page: ScanPageRecord,
  options: { readonly filteredKeys: readonly string[]; readonly leaseSeconds: number },
): StatementValue[] {
  const [refusedKeys, refusedCodes] = refusedColumns(page.refused);
  return [
    ...unitKey(lease),
    page.keys,
    failureCodes(page),
    refusedKeys,
    refusedCodes,
    options.filteredKeys.slice(0, DRY_RUN_SAMPLE).map(toStorableText),
    ...checkpoint(page),
    options.leaseSeconds,
    page.lastKey,
    DRY_RUN_SAMPLE,
  ];
}

function objectColumns(page: ScanPageRecord): StatementValue[] {
  return [page.keys, page.sizes, page.etags, page.modified];
}

function checkpoint(page: ScanPageRecord): StatementValue[] {
  return [page.cursor, page.endOfUnit, page.skipped];
}

function failureCodes(page: ScanPageRecord): (string | null)[] {
  return page.failures.map((failure) => failure?.code ?? null);
}

function refusedColumns(refused: readonly RefusedKeyRecord[]): [string[], string[], string[]] {
  return [
    refused.map(({ key }) => toStorableText(key)),
    refused.map(({ code }) => code),
    refused.map(({ message }) => toStorableText(message)),
  ];
}

/** What stands before the key in every reference, so that no key is sent twice; null where some key is quoted. */
function commonPrefix(keys: readonly string[], references: readonly string[]): string | null {
  const [key = "", reference = ""] = [keys[0], references[0]];
  const prefix = reference.slice(0, Math.max(reference.length - key.length, 0));
  return keys.every((each, index) => references[index] === prefix + each) ? prefix : null;
}

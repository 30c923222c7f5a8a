import type { Database } from "../client.ts";
import { loadStatements, type Statements } from "../statements.ts";
import { requestRun, type RequestedRun } from "./request.ts";

/** A sync of all of a target, a retry of what failed, or a comparison with the bucket. */
export interface ExportRunRequest {
  readonly organizationId: number;
  readonly targetId: number;
  readonly kind: "sync" | "retry" | "reconcile";
  /** What asked: "api", "created", "schedule", "standalone" … */
  readonly trigger: string;
  readonly actorId: number | null;
  /** Of a sync: leave out what the target holds in its newest revision already. */
  readonly onlyChanged?: boolean | undefined;
  /** Further options of the run, kept with it. */
  readonly options?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * Asks for a run of a target, as {@link requestRun}. A full sync is never answered with one that takes only what changed. Whoever
 * asks has mended something perhaps: a breaker that waits lets one push through at once.
 */
export async function requestExportRun(
  database: Database,
  request: ExportRunRequest,
  statements: Statements = loadStatements(),
): Promise<RequestedRun | undefined> {
  const { organizationId, targetId, kind, trigger, actorId, onlyChanged, options = {} } = request;
  const asked = await requestRun(
    database,
    {
      organizationId,
      storageId: targetId,
      kind,
      trigger,
      actorId,
      options: onlyChanged === true ? { ...options, only_changed: true } : options,
    },
    statements,
  );
  if (asked === undefined) return undefined;
  await database.inOrganization(
    organizationId,
    (tx) => tx.$executeRaw`
      UPDATE storage SET breaker_until = statement_timestamp()
      WHERE id = ${targetId} AND breaker_until > statement_timestamp() AND NOT breaker_probing`,
    { op: "db.run.request" },
  );
  return asked;
}

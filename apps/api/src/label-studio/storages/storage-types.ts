import { WIRE_SHAPES, type WireShape } from "./wire-shapes.ts";

/** Which types the operator offers. */
export interface StorageTypePolicy {
  /** `community`: the five free types only. */
  readonly offered: "all" | "community";
  /** `gcs_sa` is offered only with the contract's feature flag. */
  readonly gcsImpersonation: boolean;
  /** False: no folder of the machine can be connected, and those that are cannot be reached. */
  readonly localFiles: boolean;
}

/** The types that the lists show, community types first, in the contract's order. */
export function listOfferedShapes(policy: StorageTypePolicy): readonly WireShape[] {
  return WIRE_SHAPES.filter(
    ({ name, edition }) =>
      (edition === "community" || policy.offered === "all") &&
      (name !== "gcs_sa" || policy.gcsImpersonation) &&
      (name !== "localfiles" || policy.localFiles),
  );
}

/** What the 404 of a type says that waits for the operator; undefined: there is nothing to say. */
export function explainAbsence(type: string, policy: StorageTypePolicy): string | undefined {
  if (type === "localfiles" && !policy.localFiles)
    return "Not found. The storage type localfiles is off: the operator turns it on with ENABLE_LOCAL_FILES_STORAGE=true and a restart.";
  if (type !== "gcs_sa" || policy.gcsImpersonation) return undefined;
  return "Not found. The storage type gcs_sa is off: the operator turns it on with the feature flag fflag_feat_bros_763_gcs_sa_impersonation=true and a restart.";
}

import { WIRE_SHAPES, type WireShape } from "./wire-shapes.ts";

/** Which types the operator offers. */
export interface StorageTypePolicy {
  /** `community`: the five free types only. */
  readonly offered: "all" | "community";
  /** `gcs_sa` is offered only with the contract's feature flag. */
  readonly gcsImpersonation: boolean;
}

/** The types that the lists show, community types first, in the contract's order. */
export function listOfferedShapes(policy: StorageTypePolicy): readonly WireShape[] {
  return WIRE_SHAPES.filter(
    ({ name, edition }) =>
      (edition === "community" || policy.offered === "all") &&
      (name !== "gcs_sa" || policy.gcsImpersonation),
  );
}

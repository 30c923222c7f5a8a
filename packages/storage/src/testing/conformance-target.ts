import type { TestContext } from "vitest";

/** Which driver ran the suite on what: `{ provider: "s3", service: "minio" }`. */
export interface ConformanceTarget {
  /** Name in the provider registry. */
  readonly provider: string;
  /** `fake`, `minio`, `folder`, `account` … */
  readonly service: string;
}

declare module "vitest" {
  interface TaskMeta {
    conformance?: ConformanceTarget;
  }
}

/** Notes on a test what it ran on; the run fails when a provider that REQUIRE_PROVIDERS names has no passed test. */
export function noteConformance({ task }: TestContext, target: ConformanceTarget): void {
  task.meta.conformance = target;
}

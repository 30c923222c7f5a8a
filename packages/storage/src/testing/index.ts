export { collectBody } from "../body.ts";
export {
  calm,
  CaseContext,
  PAGE_KEYS,
  toBytes,
  type CaseGroup,
  type ConformanceCase,
} from "./case.ts";
export {
  CONFORMANCE_CASES,
  describeDriverConformance,
  reasonToSkip,
  withOverrides,
} from "./conformance.ts";
export type {
  DriverHarness,
  FetchedUrl,
  HarnessOverride,
  HarnessUnavailable,
  ServiceGap,
} from "./harness.ts";
export { memoryHarness } from "./memory-harness.ts";
export { makeProviderDeps, makeStorageContext } from "./provider-deps.ts";

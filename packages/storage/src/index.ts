export {
  collectBody,
  releaseBody,
  streamBody,
  wrapBody,
  type BodyEnd,
  type BodyHooks,
} from "./body.ts";
export { decorate, DRIVER_DEFAULTS, type DecorateOptions } from "./decorators/decorate.ts";
export { HostPauses } from "./decorators/host-pauses.ts";
export {
  interceptDriver,
  type CallName,
  type DriverCall,
  type Interceptor,
} from "./decorators/intercept.ts";
export { withLimit } from "./decorators/limit.ts";
export { withObserver, type CallObserver, type CallRecord } from "./decorators/observe.ts";
export { withRetry, type RetryPolicy } from "./decorators/retry.ts";
export { withTimeout, type TimeoutPolicy } from "./decorators/timeout.ts";
export type * from "./driver.ts";
export { classifyFailure } from "./failure.ts";
export { ObjectStore, type ObjectStoreOptions } from "./object-store.ts";
export { isProbeKey, makeProbeKey } from "./probe-key.ts";
export type { PagesOptions, ReadOptions } from "./store-requests.ts";

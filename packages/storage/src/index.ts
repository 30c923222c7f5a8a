export {
  collectBody,
  releaseBody,
  streamBody,
  wrapBody,
  type BodyEnd,
  type BodyHooks,
} from "./body.ts";
export {
  interceptDriver,
  type CallName,
  type DriverCall,
  type Interceptor,
} from "./decorators/intercept.ts";
export type * from "./driver.ts";
export { classifyFailure } from "./failure.ts";
export {
  ObjectStore,
  type ObjectStoreOptions,
  type PagesOptions,
  type ReadOptions,
} from "./object-store.ts";

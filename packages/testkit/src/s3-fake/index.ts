export type { InjectedFault, S3Fault, S3FaultKind } from "./faults.ts";
export type { AppliedOperation } from "./operation-log.ts";
export {
  DEFAULT_ACCESS_KEY,
  type S3Access,
  type S3AccessKey,
  type S3BucketOptions,
  type S3FakeOptions,
  type S3Latency,
  type S3Operation,
  type S3Permission,
} from "./options.ts";
export type { PreRenderedOptions } from "./pre-rendered.ts";
export { startS3Fake, type S3Fake } from "./s3-fake.ts";

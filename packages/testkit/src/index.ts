export { findCanary, makeCanary, toCanary, type Canary } from "./canary.ts";
export { cloneDatabase, testRedisUrl, useDatabase, type TestDatabase } from "./database.ts";
export { findMinio, type FoundMinio } from "./minio.ts";
export { makeRecordingLogger, type LogLine, type RecordingLogger } from "./recording-logger.ts";
export { createRelay, type Relay } from "./relay.ts";
export { findRedis, startRedis, type FoundRedis } from "./redis.ts";
export { startS3Fake, type S3Fake, type S3FakeOptions } from "./s3-fake/index.ts";
export { startTestCluster, type TemplateInfo, type TestCluster } from "./test-cluster.ts";
export { waitFor, type WaitOptions } from "./wait-for.ts";

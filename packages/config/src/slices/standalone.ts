import { z } from "zod";
import { defineSlice } from "../slice.ts";
import { secretUrl, wholeNumber } from "../texts.ts";

/** What `npm start` itself reads; its child processes get the other slices. */
export const standaloneSlice = defineSlice({
  name: "standalone",
  schema: z.object({
    dataDir: z.string(),
    workers: wholeNumber(1, 64),
    source: z.string().optional(),
    databaseUrl: secretUrl("postgresql", "postgres").optional(),
    redisUrl: secretUrl("redis", "rediss").optional(),
  }),
  variables: {
    dataDir: {
      env: "BUCKETBRIDGE_DATA_DIR",
      default: "./.bucketbridge",
      meaning: "everything that npm start writes; delete it to start afresh",
    },
    workers: {
      env: "BUCKETBRIDGE_WORKERS",
      default: "1",
      meaning: "processes per worker group under npm start",
    },
    source: {
      env: "BUCKETBRIDGE_SOURCE",
      defaultText: "the sample folder",
      meaning: "first source of npm start: a folder or s3://bucket/prefix; none: just serve",
    },
    databaseUrl: {
      env: "DATABASE_URL",
      defaultText: "the embedded server",
      meaning: "use this PostgreSQL instead of the embedded one",
      secret: true,
    },
    redisUrl: {
      env: "REDIS_URL",
      defaultText: "redis-server on PATH, else PostgreSQL",
      meaning: "use this Redis",
      secret: true,
    },
  },
});

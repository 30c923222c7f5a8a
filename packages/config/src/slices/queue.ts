import { z } from "zod";
import { defineSlice } from "../slice.ts";
import { secretUrl } from "../texts.ts";

/** Where jobs are kept. */
export const queueSlice = defineSlice({
  name: "queue",
  schema: z.object({ redisUrl: secretUrl("redis", "rediss").optional() }),
  variables: {
    redisUrl: {
      env: "REDIS_URL",
      defaultText: "empty: jobs are kept in PostgreSQL, on one machine only",
      meaning: "Redis 6.2 or newer with maxmemory-policy noeviction",
      secret: true,
    },
  },
});

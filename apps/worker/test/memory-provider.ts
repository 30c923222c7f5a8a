import { MemoryDriver, withFaults, type FaultPlan } from "@bucketbridge/storage/memory";
import { defineProvider, type ProviderDefinition } from "@bucketbridge/storage/providers";
import { z } from "zod";

/** Buckets in memory by name, shared by every driver that is opened on them. */
export interface MemoryBuckets {
  readonly provider: ProviderDefinition;
  bucket(name: string): MemoryDriver;
  /** What goes wrong on a bucket, from the next call on. */
  plan(name: string, plan: FaultPlan): void;
}

/** A provider `memory` for workers that run inside of the test. */
export function createMemoryBuckets(): MemoryBuckets {
  const buckets = new Map<string, MemoryDriver>();
  const plans = new Map<string, FaultPlan>();
  const bucket = (name: string): MemoryDriver => {
    const known = buckets.get(name);
    if (known !== undefined) return known;
    const made = new MemoryDriver();
    buckets.set(name, made);
    return made;
  };
  const provider = defineProvider({
    name: "memory",
    title: "Memory",
    settings: z.object({
      bucket: z.string().meta({ location: true }),
      token: z.string().optional().meta({ secret: true }),
    }),
    form: [],
    referencePrefix: (settings) => `memory://${settings.bucket}/`,
    describe: (settings) => `memory://${settings.bucket}`,
    open: (settings) =>
      Promise.resolve(
        withFaults(bucket(settings.bucket), {
          before: (call) => plans.get(settings.bucket)?.before?.(call),
          cutBodyAfter: (key) => plans.get(settings.bucket)?.cutBodyAfter?.(key),
        }),
      ),
    validate: () => Promise.resolve(),
  });
  return {
    provider,
    bucket,
    plan: (name, plan) => {
      plans.set(name, plan);
    },
  };
}

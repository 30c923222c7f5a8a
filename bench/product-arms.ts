import { assertCount } from "./bare-listing.ts";
import type { BenchDatabase } from "./bench-database.ts";
import { InProcessWorker } from "./in-process.ts";
import type { Arm } from "./measure.ts";
import type { Bench } from "./section.ts";

/** What an import of the product is measured with. */
export interface ImportOptions {
  readonly bucket: string;
  readonly useBlobUrls: boolean;
  readonly tasks: number;
  /** True: a second sync, which finds nothing new, is timed as `re-sync`. */
  readonly resync: boolean;
}

/** A sync of the bucket into a database of its own, timed as `import`. */
export function productImport(bench: Bench, options: ImportOptions): Arm {
  return (clock) =>
    withFreshDatabase(bench, async (database) => {
      const worker = new InProcessWorker(database);
      const { bucket, useBlobUrls } = options;
      const sync = async (): Promise<void> => {
        await worker.finish(database, await database.requestSync(storageId));
      };
      const storageId = await database.addSource({ ...bench.s3.source(bucket), useBlobUrls });
      try {
        await clock("import", sync);
        if (options.resync) await clock("re-sync", sync);
      } finally {
        await worker.close();
      }
      const tasks = await database.count("SELECT count(*) FROM task");
      assertCount("tasks", tasks, options.tasks);
    });
}

/** Gives `work` a database that nobody used, and drops it. */
export async function withFreshDatabase(
  { cluster }: Bench,
  work: (database: BenchDatabase) => Promise<void>,
  options: { readonly poolSize?: number } = {},
): Promise<void> {
  const database = await cluster.create(options);
  try {
    await work(database);
  } finally {
    await database.drop();
  }
}

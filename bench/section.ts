import type { BenchCluster } from "./bench-database.ts";
import type { Figure } from "./report.ts";
import type { S3Server } from "./s3-server.ts";

/** What a section measures with. */
export interface Bench {
  readonly cluster: BenchCluster;
  readonly s3: S3Server;
  readonly repetitions: number;
  /** 1 is what the goals are about; less is for trying the benchmark itself. */
  readonly scale: number;
  /** Progress, for whoever waits. */
  readonly say: (line: string) => void;
}

/** One section of the benchmark, by the name that the command line knows. */
export interface Section {
  readonly name: string;
  readonly about: string;
  measure(bench: Bench): Promise<readonly Figure[]>;
}

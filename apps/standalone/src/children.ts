import path from "node:path";
import type { ProcessSpec } from "./supervised-process.ts";

/** What the children of a standalone system share and what tells them apart. */
export interface ChildrenOptions {
  readonly root: string;
  /** Our own environment; the children see it with what is below on top. */
  readonly inherited: NodeJS.ProcessEnv;
  readonly shared: Readonly<Record<string, string | undefined>>;
  readonly workersPerGroup: number;
}

/** The API and the workers as child processes. Workers take a free port for their health pages. */
export function describeChildren(options: ChildrenOptions): ProcessSpec[] {
  const { root, workersPerGroup } = options;
  const base = withoutUndefined({ ...options.inherited, ...options.shared });
  const api: ProcessSpec = {
    name: "api",
    script: path.join(root, "apps/api/src/main.ts"),
    env: base,
  };
  const workers = ["import", "export"].flatMap((group) =>
    Array.from({ length: workersPerGroup }, (_, index): ProcessSpec => {
      const name =
        workersPerGroup === 1 ? `worker ${group}` : `worker ${group} ${String(index + 1)}`;
      return {
        name,
        script: path.join(root, "apps/worker/src/main.ts"),
        env: { ...base, BUCKETBRIDGE_WORKER_QUEUES: group, BUCKETBRIDGE_WORKER_PORT: "0" },
      };
    }),
  );
  return [api, ...workers];
}

function withoutUndefined(env: Readonly<Record<string, string | undefined>>): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined));
}

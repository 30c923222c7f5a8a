import type { PayloadOf } from "@bucketbridge/contracts";
import { describe, expectTypeOf, it } from "vitest";
import type { JobContext, JobHandlers } from "./job-table.ts";
import { Yield } from "./job-table.ts";
import type { Producer } from "./producer.ts";

const ran = { state: "completed", created: 0, known: 0, failed: 0, tasks: 0, seconds: 0 } as const;
const loaded = { objects: 0, rows: 0 };
declare const producer: Producer;

describe("a worker's table", () => {
  it("takes exactly the handlers of its queue", () => {
    const complete: JobHandlers<"import"> = {
      "import.run": () => Promise.resolve(ran),
      "import.load": () => Promise.resolve(new Yield({ delayMs: 0 })),
    };
    expectTypeOf(complete["import.run"]).parameter(0).toEqualTypeOf<PayloadOf<"import.run">>();
    expectTypeOf(complete["import.load"]).parameter(1).toEqualTypeOf<JobContext>();
  });

  it("does not compile when a handler is missing", () => {
    // @ts-expect-error import.load has no handler
    const missing: JobHandlers<"import"> = { "import.run": () => Promise.resolve(ran) };
    missing;
  });

  it("does not compile with a wrong result", () => {
    const wrong: JobHandlers<"import"> = {
      // @ts-expect-error created is a number
      "import.run": () => Promise.resolve({ ...ran, created: "1" }),
      "import.load": () => Promise.resolve(loaded),
    };
    wrong;
  });

  it("does not compile with a result of another job", () => {
    const wrong: JobHandlers<"import"> = {
      "import.run": () => Promise.resolve(ran),
      // @ts-expect-error a run's result is not that of a load
      "import.load": () => Promise.resolve(ran.state),
    };
    wrong;
  });

  it("does not compile with a job of another queue", () => {
    // @ts-expect-error the export queue has no import jobs
    const foreign: JobHandlers<"export"> = { "import.run": () => Promise.resolve(ran) };
    foreign;
  });
});

describe("a ring", () => {
  const run = { v: 1, organizationId: 1, runId: 1, label: "" } as const;

  it("takes the payload of its job", () => {
    expectTypeOf(producer.ring("import.run", run)).toEqualTypeOf<Promise<boolean>>();
  });

  it("does not compile with the payload of another job", () => {
    // @ts-expect-error a load has a slot
    void producer.ring("import.load", run);
  });

  it("does not compile for an unknown job", () => {
    // @ts-expect-error no such job
    void producer.ring("import.sync", run);
  });

  it("does not compile with an unknown version", () => {
    // @ts-expect-error version 2 does not exist
    void producer.ring("import.run", { ...run, v: 2 });
  });
});

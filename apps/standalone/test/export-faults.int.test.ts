import { describe, vi } from "vitest";
import { describeExportChanges } from "./export-changes.ts";
import { describeExportInput } from "./export-input-faults.ts";
import { describeUnansweredPuts, describeWorkerFaults } from "./export-interruptions.ts";
import { describeExportRestarts } from "./export-restarts.ts";
import { describeStoreFaults } from "./export-store-faults.ts";
import { useSystem } from "./system.ts";

// As with imports: most rows wait for leases and for breakers, not for a processor.
vi.setConfig({ maxConcurrency: 12, testTimeout: 120_000, hookTimeout: 120_000 });

describe.concurrent("a fault of an export, tried as a user would", () => {
  describe.concurrent("on a busy system", () => {
    const getSystem = useSystem("export_faults", "export");
    describeStoreFaults(getSystem);
    describeUnansweredPuts(getSystem);
    describeExportChanges(getSystem);
    describeExportInput(getSystem);
  });
  describe("on a system whose workers die", { concurrent: false }, () => {
    describeWorkerFaults(useSystem("export_faults_workers", "export"));
  });
  describeExportRestarts();
});

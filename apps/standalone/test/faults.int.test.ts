import { describe, vi } from "vitest";
import { describeConnectionFaults } from "./connection.ts";
import { describeChangingContent, describeContentFaults } from "./content.ts";
import { describeEndlessLine } from "./endless-line.ts";
import { describeDisturbedRuns, describeRestarts } from "./outage.ts";
import { describePrivateAddress } from "./private-address.ts";
import { useSystem } from "./system.ts";

// One file and everything at once: most rows wait for leases and latencies, not for a processor. The time limits are
// for machines that do other work too.
vi.setConfig({ maxConcurrency: 8, testTimeout: 120_000, hookTimeout: 120_000 });

describe.concurrent("a fault, tried as a user would", () => {
  describe.concurrent("on a busy system", () => {
    const getSystem = useSystem("faults");
    describeConnectionFaults(getSystem);
    describeContentFaults(getSystem);
    describeChangingContent(getSystem);
    describeDisturbedRuns(getSystem);
  });
  describe.concurrent("on a system with nothing else to do", () => {
    describeEndlessLine(useSystem("faults_line"));
  });
  describe.concurrent("on a system that is restarted", () => {
    describePrivateAddress(useSystem("faults_private"));
  });
  describeRestarts();
});

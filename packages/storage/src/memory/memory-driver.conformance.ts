import { describeDriverConformance } from "../testing/conformance.ts";
import { memoryHarness } from "../testing/memory-harness.ts";

describeDriverConformance(() => memoryHarness());

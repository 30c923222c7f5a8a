export { faults, InjectedFault, withFaults, type FaultPlan } from "./faults.ts";
export { MemoryDriver, type MemoryDriverOptions, type MemoryResponse } from "./memory-driver.ts";

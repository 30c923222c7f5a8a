export type * from "./import/ports.ts";
export { folderPrefix } from "./import/scan-unit.ts";
export { compileUserPattern, type UserPattern } from "./import/user-pattern.ts";
export { RateWindow, type RateSample, type RunRate } from "./import/run-rate.ts";

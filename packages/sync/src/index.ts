export type * from "./import/ports.ts";

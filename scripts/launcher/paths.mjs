import path from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of the clone. */
export const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** What can be made again: Node, compiled code, results. */
export const CACHE = path.join(ROOT, ".cache");
/** Halves the time that the services need to load. */
export const COMPILE_CACHE = path.join(CACHE, "compile");
export const NODE_MODULES = path.join(ROOT, "node_modules");

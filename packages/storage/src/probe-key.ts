import { randomUUID } from "node:crypto";

const PROBE = /\.bucketbridge-probe-[0-9a-f-]{36}$/;

/** The key of a small object that a check of a connection writes and removes again. `folder`: empty or with a final slash. */
export function makeProbeKey(folder: string): string {
  return `${folder}.bucketbridge-probe-${randomUUID()}`;
}

/** Such objects are nobody's: they become no task, appear in no preview and are no finding. */
export function isProbeKey(key: string): boolean {
  return PROBE.test(key);
}

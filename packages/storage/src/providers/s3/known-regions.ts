import type { Egress } from "../../egress/egress.ts";
import type { S3Place } from "./client.ts";

/** Regions that buckets were found in, shared by all clients of a process. */
export interface KnownRegions {
  /** Undefined: nobody was sent to another region than the one that was set. */
  find(place: S3Place): string | undefined;
  remember(place: S3Place, region: string): void;
}

const MAX_PLACES = 10_000;
const KNOWN = new WeakMap<Egress, KnownRegions>();

/**
 * What is known behind one egress. A store can only say something about its own endpoint, so no customer's store sends
 * another customer's requests elsewhere.
 */
export function knownRegions(egress: Egress): KnownRegions {
  const known = KNOWN.get(egress) ?? createKnownRegions();
  KNOWN.set(egress, known);
  return known;
}

function createKnownRegions(): KnownRegions {
  const regions = new Map<string, string>();
  return {
    find: (place) => regions.get(keyOf(place)),
    remember: (place, region) => {
      regions.delete(keyOf(place));
      regions.set(keyOf(place), region);
      const [oldest] = regions.keys();
      if (regions.size > MAX_PLACES && oldest !== undefined) regions.delete(oldest);
    },
  };
}

function keyOf({ endpoint = "", bucket = "" }: S3Place): string {
  return `${endpoint}\n${bucket}`;
}

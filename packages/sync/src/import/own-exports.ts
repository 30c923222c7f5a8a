import type { ListPage } from "@bucketbridge/storage";
import { toTargetFolder } from "../export/object-key.ts";
import { toSiblingKeys, type SiblingPlace } from "../export/sibling-keys.ts";
import type { ImportEngine } from "./engine.ts";
import { folderPrefix } from "./folder-prefix.ts";
import type { RunRef, SourceSnapshot } from "./ports.ts";

/** Knows which objects of a source are what targets of the same organisation wrote there: they are no task data. */
export interface OwnExports {
  /** Keys of a page that targets name. */
  findIn(page: ListPage): Promise<ReadonlySet<string>>;
}

const NOTHING: ReadonlySet<string> = new Set();

/** No target writes where the source reads. */
const NO_EXPORTS: OwnExports = { findIn: () => Promise.resolve(NOTHING) };

/**
 * Looks once, when a scan begins, which targets meet the source, and notes them on the run. Pages are compared with deliveries only where
 * there is one. What a target wrote before it moved away, or before it was deleted, is nobody's and is read.
 */
export async function findOwnExports(
  engine: Pick<ImportEngine, "exports" | "connections">,
  run: RunRef,
  source: Pick<SourceSnapshot, "provider" | "settings" | "prefix">,
): Promise<OwnExports> {
  const { connections, exports } = engine;
  const targets = await exports.listTargets(run);
  const own = await connections.describe(source.provider, source.settings);
  if (targets.length === 0 || own === undefined) return NO_EXPORTS;
  const meeting: SiblingPlace[] = [];
  for (const target of targets) {
    const place = await connections.describe(target.provider, target.settings);
    if (place === undefined) continue;
    const written = `${place}/${toTargetFolder(target)}`;
    const read = `${own}/${folderPrefix(source.prefix)}`;
    if (written.startsWith(read) || read.startsWith(written))
      meeting.push({ targetId: target.targetId, own, place });
  }
  if (meeting.length === 0) return NO_EXPORTS;
  const ids = meeting.map(({ targetId }) => targetId);
  await exports.noteOverlap(run, ids);
  return { findIn: (page) => findNamed(engine, run, { meeting, page }) };
}

async function findNamed(
  { exports }: Pick<ImportEngine, "exports">,
  run: RunRef,
  { meeting, page }: { readonly meeting: readonly SiblingPlace[]; readonly page: ListPage },
): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  const storable = page.keys.map((key) => key.toWellFormed().replaceAll("\u0000", "\uFFFD"));
  for (const sibling of meeting) {
    const pairs = toSiblingKeys(sibling, storable);
    if (pairs.length === 0) continue;
    const asked = pairs.map(({ key }) => ({ targetId: sibling.targetId, key }));
    const named = await exports.findNamed(run, asked);
    pairs.forEach(({ index }, at) => {
      if (named[at] === true) found.add(page.keys[index] ?? "");
    });
  }
  return found;
}

import type { EventTask, StorageRecord } from "@bucketbridge/db";
import type { ProviderDefinition } from "@bucketbridge/storage/providers";
import type { ApiDeps } from "../../deps.ts";
import { toLocalPath } from "../../media/local-files/local-path.ts";
import type { EventPlace } from "../annotation-events/apply-events.ts";

/** What finds the sources that a project reads. */
export type SourceNameDeps = Pick<ApiDeps, "storages" | "stores"> & {
  readonly settings: Pick<ApiDeps["settings"], "localFiles">;
};

/** The source objects that a text of task data names, one per source that has the place. */
export type SourceNames = (text: string) => readonly EventTask[];

/** A link to a local file, on whatever host; what stands behind `d=` is quoted. */
const LOCAL_FILE = /^(?:https?:\/\/[^/?#]+)?\/data\/local-files\/\?d=([^&#]{1,4000})/;

/** Its references have no scheme: they are told by their path. */
const LOCAL_FILES = "localfiles";

/**
 * Reads once what the sources of a project are called. A reference names an object only where scheme and bucket are those of a
 * source; a local file only where it lies in a source's folder, below our own document root.
 */
export async function readSourceNames(
  deps: SourceNameDeps,
  { organizationId, projectId }: EventPlace,
): Promise<SourceNames> {
  const sources = await deps.storages.list(organizationId, { projectId, direction: "source" });
  const buckets = await listBuckets(deps, sources);
  const folders = sources.filter(({ provider }) => provider === LOCAL_FILES);
  const definition = folders.length === 0 ? undefined : await deps.stores.find(LOCAL_FILES);
  return (text) => {
    const named = buckets.flatMap(({ storageId, prefix }) =>
      text.startsWith(prefix) && text.length > prefix.length
        ? [{ sourceKey: text.slice(prefix.length), storageId }]
        : [],
    );
    if (named.length > 0 || definition === undefined) return named;
    const wanted = toWantedPath(deps, text);
    return wanted === undefined ? [] : folders.flatMap((it) => toKey(definition, it, wanted));
  };
}

async function listBuckets(
  { stores }: SourceNameDeps,
  sources: readonly StorageRecord[],
): Promise<readonly { readonly storageId: number; readonly prefix: string }[]> {
  const buckets = [];
  for (const source of sources) {
    const prefix = await stores.referencePrefix(source);
    // Without a bucket the settings name no place; local files have no scheme.
    if (/:\/\/[^/]/.test(prefix)) buckets.push({ storageId: source.id, prefix });
  }
  return buckets;
}

function toWantedPath({ settings }: SourceNameDeps, text: string): string | undefined {
  const quoted = LOCAL_FILE.exec(text)?.[1];
  const d = quoted === undefined ? undefined : unquote(quoted);
  return d === undefined ? undefined : toLocalPath(settings.localFiles.documentRoot ?? "/", d);
}

/** Undefined for text that is not quoted as a URL is. */
function unquote(quoted: string): string | undefined {
  try {
    return decodeURIComponent(quoted);
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}

function toKey(
  definition: ProviderDefinition,
  { id, settings }: StorageRecord,
  wanted: string,
): EventTask[] {
  const parsed = definition.settings.safeParse(settings);
  const key = parsed.success ? definition.fromDisplayKey?.(parsed.data, wanted) : undefined;
  return key === undefined ? [] : [{ sourceKey: key, storageId: id }];
}

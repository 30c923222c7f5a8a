/** A source of a project, as far as references are concerned. */
export interface ReferenceSource {
  readonly storageId: number;
  /** What references of the storage begin with: `s3://bucket/`. */
  readonly referencePrefix: string;
  /** Folder below it, with a final slash, or empty: what the storage imports. */
  readonly prefix: string;
  /** True: what lies outside of the folder is not served. False: the folder only decides which storage serves. */
  readonly isPrefixBoundary: boolean;
}

/** A reference, resolved. */
export interface ResolvedReference {
  readonly storageId: number;
  /** Key in the bucket. */
  readonly key: string;
}

/**
 * The sources of one project by what they can serve (design §9): scheme and bucket must match; of several sources the one that the
 * task came from serves, then the one with the longest prefix that holds the key, then the one with the lowest id.
 */
export class ReferenceSources {
  /** What references of the project begin with. Distinct. */
  readonly prefixes: readonly string[];
  readonly #sources: readonly ReferenceSource[];

  constructor(sources: readonly ReferenceSource[]) {
    this.#sources = sources.toSorted(
      (a, b) => b.prefix.length - a.prefix.length || a.storageId - b.storageId,
    );
    this.prefixes = [...new Set(sources.map(({ referencePrefix }) => referencePrefix))];
  }

  /**
   * `ownStorageId`: where the task came from. Undefined when no source of the project may serve it, and for a bare bucket.
   * `accepts` takes sources out of the choice.
   */
  resolve(
    reference: string,
    ownStorageId: number | null,
    accepts: (resolved: ResolvedReference) => boolean = acceptAll,
  ): ResolvedReference | undefined {
    let best: ResolvedReference | undefined;
    let isBestInside = false;
    for (const source of this.#sources) {
      if (!reference.startsWith(source.referencePrefix)) continue;
      const key = reference.slice(source.referencePrefix.length);
      if (key === "") continue;
      const isInside = key.startsWith(source.prefix);
      if (!isInside && source.isPrefixBoundary) continue;
      const found = { storageId: source.storageId, key };
      if (!accepts(found)) continue;
      if (source.storageId === ownStorageId) return found;
      if (best === undefined || (isInside && !isBestInside)) {
        best = found;
        isBestInside = isInside;
      }
    }
    return best;
  }
}

function acceptAll(): boolean {
  return true;
}

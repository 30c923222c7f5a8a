/** A file of a volume. */
export interface StoredFile {
  readonly body: Buffer;
  readonly modifiedAt: Date;
}

/** A direct child of a directory. */
export interface VolumeEntry {
  readonly name: string;
  /** Undefined: it is a directory. */
  readonly file: StoredFile | undefined;
}

/** Files and directories of one volume by their path below it. A file makes the directories above it. */
export class Volume {
  readonly files = new Map<string, StoredFile>();
  readonly #directories = new Set<string>();

  put(path: string, body: Buffer, modifiedAt: Date): void {
    this.files.set(path, { body, modifiedAt });
    this.makeDirectory(parentOf(path));
  }

  makeDirectory(path: string): void {
    for (let current = path; current !== ""; current = parentOf(current))
      this.#directories.add(current);
  }

  hasDirectory(path: string): boolean {
    return path === "" || this.#directories.has(path);
  }

  /** True when a part of the way to the path is a file. */
  isBelowFile(path: string): boolean {
    for (let current = parentOf(path); current !== ""; current = parentOf(current))
      if (this.files.has(current)) return true;
    return false;
  }

  /** Children in an order of no meaning: the service promises none. */
  children(path: string): readonly VolumeEntry[] {
    const folder = path === "" ? "" : `${path}/`;
    const found: VolumeEntry[] = [];
    const isChild = (full: string): boolean =>
      full.startsWith(folder) && full !== path && !full.slice(folder.length).includes("/");
    for (const [full, file] of this.files)
      if (isChild(full)) found.push({ name: full.slice(folder.length), file });
    for (const full of this.#directories)
      if (isChild(full)) found.push({ name: full.slice(folder.length), file: undefined });
    return found.sort((one, other) => (one.name < other.name ? 1 : -1));
  }

  clear(): void {
    this.files.clear();
    this.#directories.clear();
  }
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

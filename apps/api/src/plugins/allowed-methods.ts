/** Which methods the routes of a path take: what tells 405 from 404. */
export class AllowedMethods {
  readonly #methodsByPattern = new Map<string, Set<string>>();

  /** `pattern` as given to the router: segments, `:name` and a trailing `*`. */
  add(pattern: string, methods: string | readonly string[]): void {
    const known = this.#methodsByPattern.get(pattern) ?? new Set();
    for (const method of typeof methods === "string" ? [methods] : methods) known.add(method);
    this.#methodsByPattern.set(pattern, known);
  }

  /** Sorted methods of the pattern that `url` fits best, literal segments first; empty when none does. */
  find(url: string): readonly string[] {
    const path = toSegments(url.split("?", 1)[0] ?? "");
    const fitting = [...this.#methodsByPattern]
      .map(([pattern, methods]) => ({ segments: toSegments(pattern), methods }))
      .filter(({ segments }) => fits(segments, path))
      .sort((a, b) => countLiterals(b.segments) - countLiterals(a.segments));
    return [...(fitting[0]?.methods ?? [])].sort();
  }
}

function toSegments(path: string): readonly string[] {
  return path.replace(/\/$/, "").split("/");
}

function fits(pattern: readonly string[], path: readonly string[]): boolean {
  const open = pattern.at(-1) === "*";
  if (open ? path.length < pattern.length : path.length !== pattern.length) return false;
  return pattern.every((segment, index) => {
    const value = path[index] ?? "";
    return segment === "*" || segment === value || (segment.startsWith(":") && value !== "");
  });
}

function countLiterals(segments: readonly string[]): number {
  return segments.filter((segment) => segment !== "*" && !segment.startsWith(":")).length;
}

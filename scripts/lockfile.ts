/** The part of package-lock.json that the checks read. */
export type LockedPackages = Readonly<
  Record<
    string,
    {
      readonly resolved?: string;
      readonly link?: boolean;
      readonly optionalDependencies?: Readonly<Record<string, string>>;
    }
  >
>;

/** What would make `npm ci` fail or ask the wrong host somewhere else; empty is good. */
export function findLockProblems(packages: LockedPackages): string[] {
  return Object.entries(packages).flatMap(
    ([location, { resolved, link, optionalDependencies }]) => {
      const hosts = resolved !== undefined && link !== true && /^[a-z+]+:/.test(resolved);
      const missing = Object.keys(optionalDependencies ?? {}).filter(
        (name) => !isLocked(packages, location, name),
      );
      return [
        ...(hosts ? [`${location} names a download host: ${resolved}`] : []),
        // npm ci then says "Missing: … from lock file", on that platform only.
        ...missing.map(
          (name) => `${location || "package.json"} may need ${name}, which the lockfile lacks`,
        ),
      ];
    },
  );
}

/** As Node looks for a package: beside the one that asks, then in every folder above. */
function isLocked(packages: LockedPackages, location: string, name: string): boolean {
  const parts = location.split("/node_modules/");
  for (let depth = parts.length; depth > 0; depth -= 1) {
    if (
      packages[`${parts.slice(0, depth).join("/node_modules/")}/node_modules/${name}`] !== undefined
    )
      return true;
  }
  return packages[`node_modules/${name}`] !== undefined;
}

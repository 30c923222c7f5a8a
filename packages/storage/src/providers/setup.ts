/** Who the platform is for the owner of a bucket. What is not known stays a placeholder in what is written. */
export interface SetupFacts {
  /** Bucket, container, volume, folder or path, by the type. */
  readonly bucket: string;
  /** A folder with its final slash, or empty. */
  readonly prefix: string;
  /** The organisation's. */
  readonly externalId: string;
  /** Of the pages that show media: `https://label.example.org`. */
  readonly origin: string;
  readonly awsPrincipal: string | undefined;
  /** The principal before the current one, while both are in use. */
  readonly awsFormerPrincipal: string | undefined;
  /** Base service account at Google. */
  readonly gcpServiceAccount: string | undefined;
  readonly gcpSubject: SetupSubject;
  /** Addresses or ranges from which the platform connects. Empty: the operator has named none. */
  readonly outgoingAddresses: readonly string[];
}

/** What the platform shows to workload identity pools. */
export type SetupSubject =
  | {
      readonly kind: "aws";
      /** Assumed in a session that is named by the external id. Undefined: one identity for all organisations. */
      readonly roleArn: string | undefined;
    }
  | { readonly kind: "oidc" };

/** One thing to paste somewhere. `<…>` in it is for the reader to fill in. */
export interface SetupSection {
  /** Stable within a type. */
  readonly id: string;
  readonly title: string;
  readonly format: "json" | "shell" | "terraform" | "sql" | "text";
  readonly text: string;
  /** When it is needed, what it does not do, how to undo it. */
  readonly note?: string;
}

/** Writes what the owner of a store of one type has to do. Pure. */
export type SetupWriter = (facts: SetupFacts) => readonly SetupSection[];

/** In the place of what nobody has configured. */
export const ASK_OPERATOR = "<ask the operator of this installation>";
/** In the place of what only the owner of the network knows. */
export const VPN_RANGE = "<range of your VPN, like 198.51.100.0/24>";

/** A section with a JSON document. */
export function jsonSection(
  id: string,
  title: string,
  value: unknown,
  note?: string,
): SetupSection {
  return toSection({ id, title, format: "json", text: JSON.stringify(value, null, 2) }, note);
}

/** A section with commands, one per entry. */
export function shellSection(
  id: string,
  title: string,
  commands: readonly string[],
  note?: string,
): SetupSection {
  return toSection({ id, title, format: "shell", text: commands.join("\n") }, note);
}

/** Adds a note where there is one. */
export function toSection(section: Omit<SetupSection, "note">, note?: string): SetupSection {
  return note === undefined ? section : { ...section, note };
}

/** Addresses as ranges: `192.0.2.1` is `192.0.2.1/32`. */
export function toRanges(addresses: readonly string[]): readonly string[] {
  return addresses.map((address) => {
    if (address.includes("/")) return address;
    return `${address}/${address.includes(":") ? "128" : "32"}`;
  });
}

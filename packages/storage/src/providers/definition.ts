import type { z } from "zod";
import type { StorageDriver } from "../driver.ts";
import type {
  LocalFilesPolicy,
  ProviderDeps,
  StorageContext,
  StorageDirection,
} from "./provider-deps.ts";

/** What a person reads about a provider, and how its `/form` looks. */
export interface FormField {
  readonly name: string;
  readonly label: string;
  readonly type: "text" | "password" | "select" | "toggle" | "counter";
  readonly required?: boolean;
  readonly placeholder?: string;
  readonly description?: string;
  /** Of a `select`. */
  readonly options?: readonly { readonly value: string; readonly label: string }[];
}

/** Something that works and should still be mended. */
export interface ProviderWarning {
  /** Closed, dotted, `<provider>.<word>`. */
  readonly code: string;
  /** A sentence for the person who connects the storage. */
  readonly message: string;
}

/** Where a bucket is, as far as it is known. */
export interface RegionFacts {
  /** What requests were signed for at first. */
  readonly asked: string;
  /** Where the store sent them. */
  readonly found: string;
}

/** One part of a server, by a host that a user named. */
export interface DatabasePlace {
  readonly host: string;
  readonly port: number;
  readonly database: string;
}

/** A row of "what is wrong and what to do" for documents and set-up help. */
export interface Trouble {
  /** As people see it. */
  readonly error: string;
  readonly cause: string;
  readonly remedy: string;
}

/**
 * Everything the system needs to know about a provider: the API, the console form and the worker all read it.
 * A secret field of `settings` carries `.meta({ secret: true })`: encrypted at rest, never in a response, redacted
 * in logs. A field that decides where secrets are sent (host, endpoint, bucket) carries `.meta({ location: true })`:
 * changing it starts a new location, and with `.meta({ location: true, host: true })` demands the secrets again. A
 * secret with `.meta({ secret: true, session: true })` belongs to the others: when they change without it, it is gone.
 */
export interface ProviderDefinition<
  Name extends string = string,
  Settings extends z.ZodObject = z.ZodObject,
> {
  /** The `type` on the wire. */
  readonly name: Name;
  /** As in `GET /api/storages/types`. */
  readonly title: string;
  /** Provider-specific fields of both directions, by their wire names; the fields of every storage are not in it. */
  readonly settings: Settings;
  readonly form: readonly FormField[];
  /** What users of it meet. Absent: nothing that its errors do not say. */
  readonly troubles?: readonly Trouble[];
  /** Files method: the reference that becomes task data, without the key: `s3://bucket/`. */
  referencePrefix(settings: z.output<Settings>): string;
  /** Key to what stands after the reference prefix (localfiles: a quoted path below the document root). Absent: the key. */
  toReference?(settings: z.output<Settings>, key: string, localFiles: LocalFilesPolicy): string;
  /** The key as the contract shows it (localfiles: the absolute path). Absent: the key. */
  toDisplayKey?(settings: z.output<Settings>, key: string): string;
  /** The inverse of `toDisplayKey`; undefined for what lies outside of the storage. Absent: the key. */
  fromDisplayKey?(settings: z.output<Settings>, displayKey: string): string | undefined;
  /** What the user's regex is matched against (localfiles: the last part). Absent: the key. */
  filterName?(key: string): string;
  /** False while the settings name no place: such a storage may be saved without a check (ls-api §2.2). Absent: always true. */
  isPlaced?(settings: z.output<Settings>): boolean;
  /** A sentence for a preview that found nothing, where that has causes of its own. `prefix` as the user gave it. */
  emptyHint?(settings: z.output<Settings>, prefix: string): string;
  /** What errors name: `s3://bucket/prefix`, `/data/folder`. */
  describe(settings: z.output<Settings>): string;
  /** Provider fields that a new storage of this direction has before anybody says anything. Absent: none. */
  defaultsOf?(direction: StorageDirection): Readonly<Record<string, unknown>>;
  /**
   * What a store speaks for that asks for fewer requests: storages with the same text pause together, all jobs of the process.
   * Absent: the values of the fields with `.meta({ host: true })`, or what `describe` says where none of them is set.
   */
  throttledHost?(settings: z.output<Settings>): string;
  /**
   * Where storages of this provider meet although they share no prefix: a source and a target of one organisation may not be
   * in the same database of the same server. Absent: they may.
   */
  databaseOf?(settings: z.output<Settings>, direction: StorageDirection): DatabasePlace;
  /** Makes the driver; loads its SDK on first use. No connection is made. */
  open(
    settings: z.output<Settings>,
    deps: ProviderDeps,
    context: StorageContext,
  ): Promise<StorageDriver>;
  /**
   * The contract's check of a connection (ls-api §7.6): resolves, or throws an `AppError` whose `message` is the
   * contract's sentence. At most 20 s (design §13).
   */
  validate(
    driver: StorageDriver,
    settings: z.output<Settings>,
    options: {
      readonly direction: StorageDirection;
      readonly prefix: string;
      readonly signal: AbortSignal;
    },
  ): Promise<void>;
  /** The region, after requests have been made. Absent: the provider has none. */
  findRegion?(settings: z.output<Settings>, deps: ProviderDeps): RegionFacts;
  /** Asked after a check that found the connection good; never rejects but for the signal. Absent: nothing can be wrong. */
  findWarnings?(
    settings: z.output<Settings>,
    deps: ProviderDeps,
    context: StorageContext,
    signal: AbortSignal,
  ): Promise<readonly ProviderWarning[]>;
}

/** Keeps the precise types of a definition. */
export function defineProvider<const Name extends string, Settings extends z.ZodObject>(
  definition: ProviderDefinition<Name, Settings>,
): ProviderDefinition<Name, Settings> {
  return definition;
}

import { mkdirSync, realpathSync } from "node:fs";
import path from "node:path";
import { AppError, type Logger, type Secret } from "@bucketbridge/core";
import { decorate } from "../decorators/decorate.ts";
import { createEgress } from "../egress/create-egress.ts";
import type { Egress } from "../egress/egress.ts";
import type { ServiceAddress } from "../egress/own-services.ts";
import { ObjectStore } from "../object-store.ts";
import { PersistentStore } from "./persistent-store.ts";
import type {
  AwsKeys,
  LocalFilesPolicy,
  PlatformAccess,
  ProviderDeps,
  StorageContext,
} from "./provider-deps.ts";
import { loadProvider, type ProviderName } from "./registry.ts";

/** Where the installation's own files lie, as the operator configures it. */
export type PersistencePlace =
  | { readonly type: "local"; readonly prefix: string; readonly folder: string }
  | {
      readonly type: "s3";
      readonly prefix: string;
      readonly bucket: string;
      readonly region: string | undefined;
      readonly endpoint: string | undefined;
      /** Undefined: the platform's own identity at AWS. */
      readonly keys: AwsKeys | undefined;
      readonly kmsKey: string | undefined;
    }
  | {
      readonly type: "gcs";
      readonly prefix: string;
      readonly bucket: string;
      readonly project: string | undefined;
      /** Undefined: the platform's own identity at Google. */
      readonly credentials: Secret | undefined;
      readonly kmsKey: string | undefined;
    }
  | {
      readonly type: "azure";
      readonly prefix: string;
      readonly container: string;
      readonly accountName: string;
      /** Undefined: the service principal. */
      readonly accountKey: Secret | undefined;
      readonly principal: {
        readonly tenantId: string | undefined;
        readonly clientId: string | undefined;
        readonly clientSecret: Secret | undefined;
      };
    };

/** What opening takes. */
export interface PersistenceDeps {
  readonly log: Logger;
  readonly platform: PlatformAccess;
  /** Our own servers. */
  readonly denied: readonly ServiceAddress[];
}

/** The installation's store, opened by whoever needs it first. */
export interface PersistenceHandle {
  /** Rejects as `openPersistence` does; the next caller tries again. */
  open(): Promise<PersistentStore>;
  /** Closes what was opened. */
  close(): Promise<void>;
}

/** A handle on the store of `place`; nothing happens yet. */
export function holdPersistence(place: PersistencePlace, deps: PersistenceDeps): PersistenceHandle {
  let opened: Promise<PersistentStore> | undefined;
  return {
    async open() {
      opened ??= openPersistence(place, deps);
      try {
        return await opened;
      } catch (error) {
        opened = undefined;
        throw error;
      }
    },
    async close() {
      await (await opened)?.close();
    },
  };
}

/** Uploads that somebody waits for: no patience of a worker. */
const PATIENCE = { attempts: 3, timeoutMs: 60_000, idleMs: 30_000 };

/** The operator's files belong to no organisation; ambient credentials are his own. */
const CONTEXT: StorageContext = {
  organizationId: 0,
  organizationExternalId: "",
  isOnlyOrganization: true,
  storageId: undefined,
  direction: "target",
  prefix: "",
};

/**
 * Opens the store; makes the folder of the type local. No connection is made. Hosts that the operator names may be private ones.
 * Throws `invalid_config` for settings that cannot work.
 */
export async function openPersistence(
  place: PersistencePlace,
  { log, platform, denied }: PersistenceDeps,
): Promise<PersistentStore> {
  const provider = toProvider(place);
  const egress = createEgress({ allow: operatorHosts(place, platform), denied });
  const definition = await loadProvider(provider.name);
  const parsed = definition.settings.safeParse(provider.settings);
  if (!parsed.success) throw invalidSettings(parsed.error.issues.map(({ message }) => message));
  const deps: ProviderDeps = {
    egress,
    log,
    localFiles: provider.localFiles ?? NO_LOCAL_FILES,
    ambient: {},
    platform,
  };
  const driver = decorate(await definition.open(parsed.data, deps, CONTEXT), PATIENCE);
  const described = definition.describe(parsed.data);
  const store = new ObjectStore(driver, {
    provider: provider.name,
    place: described,
    root: place.prefix,
  });
  return new ClosingStore(store, egress);
}

/** The way out is the store's own and ends with it. */
class ClosingStore extends PersistentStore {
  readonly #egress: Egress;

  constructor(store: ObjectStore, egress: Egress) {
    super(store);
    this.#egress = egress;
  }

  override async close(): Promise<void> {
    await super.close();
    await this.#egress.close();
  }
}

const NO_LOCAL_FILES: LocalFilesPolicy = { documentRoot: undefined, servingEnabled: false };

interface Provider {
  readonly name: ProviderName;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly localFiles?: LocalFilesPolicy;
}

function toProvider(place: PersistencePlace): Provider {
  switch (place.type) {
    case "local":
      return toLocalFolder(place.folder);
    case "s3":
      return {
        name: "s3",
        settings: {
          bucket: place.bucket,
          region_name: place.region,
          s3_endpoint: place.endpoint,
          aws_access_key_id: place.keys?.accessKeyId,
          aws_secret_access_key: place.keys?.secretAccessKey.reveal(),
          aws_session_token: place.keys?.sessionToken?.reveal(),
          aws_sse_kms_key_id: place.kmsKey,
        },
      };
    case "gcs":
      return {
        name: "gcs",
        settings: {
          bucket: place.bucket,
          google_project_id: place.project,
          google_application_credentials: place.credentials?.reveal(),
          google_kms_key_name: place.kmsKey,
        },
      };
    case "azure": {
      const { container, accountName, accountKey, principal } = place;
      if (accountKey !== undefined) {
        const account_key = accountKey.reveal();
        return { name: "azure", settings: { container, account_name: accountName, account_key } };
      }
      return {
        name: "azure_spi",
        settings: {
          container,
          account_name: accountName,
          tenant_id: principal.tenantId,
          client_id: principal.clientId,
          client_secret: principal.clientSecret?.reveal(),
        },
      };
    }
  }
}

/** The driver serves folders strictly below a root and follows no link, so that both are named by their real paths. */
function toLocalFolder(folder: string): Provider {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (cause) {
    throw new AppError({
      code: "invalid_config",
      op: "persistence.open",
      message: `the folder ${folder} for uploads and exports cannot be made; set BUCKETBRIDGE_PERSISTENCE_FOLDER to one that can be written`,
      cause,
    });
  }
  const real = realpathSync(folder);
  return {
    name: "localfiles",
    settings: { path: real },
    localFiles: { documentRoot: path.dirname(real), servingEnabled: true },
  };
}

/** Names of hosts that only the operator can have set. */
function operatorHosts(place: PersistencePlace, { gcp, azure }: PlatformAccess): string[] {
  const urls = {
    local: [],
    s3: [place.type === "s3" ? place.endpoint : undefined],
    gcs: [gcp.endpoints?.storage, gcp.endpoints?.token],
    azure: [
      place.type === "azure"
        ? azure.blobEndpoint?.replaceAll("{account}", place.accountName)
        : undefined,
    ],
  }[place.type];
  return urls.flatMap((url) => {
    const host = URL.parse(url ?? "")?.hostname.replace(/^\[|\]$/g, "") ?? "";
    return host === "" ? [] : [host];
  });
}

function invalidSettings(problems: readonly string[]): AppError {
  return new AppError({
    code: "invalid_config",
    op: "persistence.open",
    message: `the settings BUCKETBRIDGE_PERSISTENCE_… cannot be used: ${problems.join("; ")}`,
  });
}

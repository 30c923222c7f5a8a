import { generateKeyPairSync } from "node:crypto";
import { decorate, HostPauses, ObjectStore } from "@bucketbridge/storage";
import { createEgress } from "@bucketbridge/storage/egress";
import { loadProvider, throttledHost, type ProviderName } from "@bucketbridge/storage/providers";
import { makeProviderDeps, makeStorageContext } from "@bucketbridge/storage/testing";

/** A store that signs URLs without asking anybody, opened as the API opens it. */
export interface SigningStore {
  readonly name: ProviderName;
  readonly store: ObjectStore;
  close(): Promise<void>;
}

/** One of each provider that signs with a key of its own. Nothing is ever sent: the hosts need not exist. */
export async function openSigningStores(): Promise<readonly SigningStore[]> {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2_048 });
  const account = {
    type: "service_account",
    client_email: "bench@bench.iam.gserviceaccount.com",
    private_key: privateKey.export({ type: "pkcs8", format: "pem" }),
    private_key_id: "bench",
    token_uri: "https://oauth2.googleapis.com/token",
  };
  return Promise.all([
    open("s3", {
      bucket: "bench",
      region_name: "eu-west-1",
      s3_endpoint: "http://127.0.0.1:9",
      aws_access_key_id: "AKIABENCHBENCHBENCHB",
      aws_secret_access_key: "bench/secret+access/key=for+bench/0123456",
    }),
    open("gcs", {
      bucket: "bench",
      google_application_credentials: JSON.stringify(account),
    }),
    open("azure", {
      container: "bench",
      account_name: "benchaccount",
      account_key: Buffer.from("a key of the benchmark").toString("base64"),
    }),
  ]);
}

async function open(
  name: ProviderName,
  settings: Readonly<Record<string, unknown>>,
): Promise<SigningStore> {
  const egress = createEgress({ allow: ["loopback"], denied: [] });
  const definition = await loadProvider(name);
  const driver = await definition.open(
    settings,
    makeProviderDeps(egress),
    makeStorageContext({ isOnlyOrganization: true }),
  );
  const hostPause = { pauses: new HostPauses(), host: throttledHost(definition, settings) };
  const decorated = decorate(driver, { attempts: 2, hostPause });
  return {
    name,
    store: new ObjectStore(decorated, { provider: name, place: "bench" }),
    close: async () => {
      await decorated.close();
      await egress.close();
    },
  };
}

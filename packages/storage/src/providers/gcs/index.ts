import { defineProvider } from "../definition.ts";
import type { ProviderDeps } from "../provider-deps.ts";
import { BucketClient } from "./client.ts";
import { checkGcsConnection } from "./connection-check.ts";
import { gcsIdentity, gcsSaIdentity, gcswifIdentity, storageUrlOf } from "./credentials.ts";
import { GcsDriver } from "./driver.ts";
import { GCS_FORM, GCS_SA_FORM, GCSWIF_FORM } from "./forms.ts";
import type { GoogleIdentity } from "./identity.ts";
import {
  gcsSaSettings,
  gcsSettings,
  gcswifSettings,
  textOf,
  type GcsPlaceSettings,
} from "./settings.ts";
import { IMPERSONATION_TROUBLES } from "./troubleshooting.ts";

/** What the three types have in common: they differ in who asks. */
const place = {
  referencePrefix: (settings: GcsPlaceSettings) => `gs://${textOf(settings.bucket) ?? ""}/`,
  isPlaced: (settings: GcsPlaceSettings) => textOf(settings.bucket) !== undefined,
  describe: (settings: GcsPlaceSettings) => `gs://${textOf(settings.bucket) ?? ""}`,
  validate: checkGcsConnection,
};

/** Google Cloud Storage with the key of a service account, or with the platform's own identity. */
export const gcsProvider = defineProvider({
  ...place,
  name: "gcs",
  title: "Google Cloud Storage",
  settings: gcsSettings,
  form: GCS_FORM,
  open: async (settings, deps, context) =>
    openAs(gcsIdentity(settings, deps, context), settings, deps),
});

/** Google Cloud Storage as a service account that lets the platform act for it. */
export const gcsSaProvider = defineProvider({
  ...place,
  name: "gcs_sa",
  title: "Google Cloud Storage (SA Impersonation)",
  settings: gcsSaSettings,
  form: GCS_SA_FORM,
  troubles: IMPERSONATION_TROUBLES,
  open: async (settings, deps, context) =>
    openAs(gcsSaIdentity(settings, deps, context), settings, deps),
});

/** Google Cloud Storage by workload identity federation. */
export const gcswifProvider = defineProvider({
  ...place,
  name: "gcswif",
  title: "Google Cloud Storage (WIF Auth)",
  settings: gcswifSettings,
  form: GCSWIF_FORM,
  open: async (settings, deps, context) =>
    openAs(gcswifIdentity(settings, deps, context), settings, deps),
});

function openAs(
  identity: GoogleIdentity,
  settings: GcsPlaceSettings,
  deps: ProviderDeps,
): Promise<GcsDriver> {
  const bucket = new BucketClient({
    egress: deps.egress,
    identity,
    storageUrl: storageUrlOf(deps),
    bucket: textOf(settings.bucket),
  });
  const kmsKeyName = textOf(settings.google_kms_key_name);
  return Promise.resolve(new GcsDriver({ bucket, identity, kmsKeyName }));
}

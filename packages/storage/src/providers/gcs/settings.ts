import { z } from "zod";

/** Longer than any name or address at Google. */
const MAX_TEXT_CHARS = 1_024;
/** A service account's JSON has some 2,400 characters. */
const MAX_JSON_CHARS = 32_768;

const BUCKET_NAME = /^[a-zA-Z0-9._-]{1,255}$/;
/** One part of a resource name: what is sent in a path must not leave it. */
const NAME_PART = /^[\w.:-]+$/;
const EMAIL = /^[^\s@/]+@[^\s@/]+$/;

/** Text that may be left out, null or blank; all three mean "not set". */
const optionalText = (maxChars = MAX_TEXT_CHARS) => z.string().trim().max(maxChars);

const namePart = (title: string) =>
  optionalText()
    .refine((text) => text === "" || NAME_PART.test(text), {
      error: ({ input }) => `"${String(input)}" is not a ${title}.`,
    })
    .nullish();

const email = optionalText()
  .refine((text) => text === "" || EMAIL.test(text), {
    error: ({ input }) =>
      `"${String(input)}" is not the address of a service account; it looks like "name@project.iam.gserviceaccount.com".`,
  })
  .nullish();

const place = {
  bucket: optionalText()
    .refine((text) => text === "" || BUCKET_NAME.test(text), {
      error: ({ input }) => `"${String(input)}" is not the name of a bucket.`,
    })
    .nullish()
    .meta({ location: true }),
  google_project_id: optionalText().nullish(),
  /** Ours: the contract has no field for it. A bucket's own default key needs none. */
  google_kms_key_name: optionalText()
    .refine((text) => text === "" || /^projects\/[^\s?#]+\/cryptoKeys\/[^\s/?#]+$/.test(text), {
      error:
        'The key looks like "projects/P/locations/L/keyRings/R/cryptoKeys/K"; copy its resource name.',
    })
    .nullish(),
};

/** Settings of `gcs`, source and target, by their wire names (ls-api §2.4). */
export const gcsSettings = z.object({
  ...place,
  google_application_credentials: optionalText(MAX_JSON_CHARS).nullish().meta({ secret: true }),
});

/** Settings of `gcs_sa`: the platform's identity acts as the service account that the user names. */
export const gcsSaSettings = z.object({ ...place, target_service_account_email: email });

/** Settings of `gcswif`: workload identity federation. Its credentials field is the contract's; nothing is read from it. */
export const gcswifSettings = z.object({
  ...place,
  google_application_credentials: optionalText(MAX_JSON_CHARS).nullish().meta({ secret: true }),
  google_project_number: namePart("project number"),
  google_service_account_email: email,
  google_wif_pool_id: namePart("pool id"),
  google_wif_provider_id: namePart("provider id"),
});

/** Settings after the schemas have looked at them. */
export type GcsSettings = z.output<typeof gcsSettings>;
/** As `GcsSettings`, of `gcs_sa`. */
export type GcsSaSettings = z.output<typeof gcsSaSettings>;
/** As `GcsSettings`, of `gcswif`. */
export type GcswifSettings = z.output<typeof gcswifSettings>;
/** What the three have in common. */
export type GcsPlaceSettings = Pick<GcsSettings, "bucket" | "google_kms_key_name">;

/** The text of a field, or undefined when it is left out, null or blank. */
export function textOf(value: string | null | undefined): string | undefined {
  return value === undefined || value === null || value === "" ? undefined : value;
}

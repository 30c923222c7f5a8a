import type { FormField } from "../definition.ts";

const BUCKET: FormField = { name: "bucket", label: "Bucket Name", type: "text", required: true };
const PROJECT: FormField = { name: "google_project_id", label: "Google Project ID", type: "text" };
const KMS: FormField = {
  name: "google_kms_key_name",
  label: "KMS Key Name",
  type: "text",
  placeholder: "projects/P/locations/L/keyRings/R/cryptoKeys/K",
  description: "Encrypts what a target writes; without it the bucket's own key does",
};

/** Settings page of `gcs`. */
export const GCS_FORM: readonly FormField[] = [
  BUCKET,
  {
    name: "google_application_credentials",
    label: "Google Application Credentials",
    type: "password",
    description: "The JSON of a service account's key, as one text",
  },
  PROJECT,
  KMS,
];

/** Settings page of `gcs_sa`. */
export const GCS_SA_FORM: readonly FormField[] = [
  BUCKET,
  {
    name: "target_service_account_email",
    label: "Target Service Account Email",
    type: "text",
    required: true,
    placeholder: "name@project.iam.gserviceaccount.com",
    description:
      "The account to act as; this platform's account needs the role Token Creator on it",
  },
  PROJECT,
  KMS,
];

/** Settings page of `gcswif`. */
export const GCSWIF_FORM: readonly FormField[] = [
  BUCKET,
  PROJECT,
  { name: "google_project_number", label: "Project Number", type: "text", required: true },
  { name: "google_wif_pool_id", label: "Workload Identity Pool ID", type: "text", required: true },
  {
    name: "google_wif_provider_id",
    label: "Workload Identity Provider ID",
    type: "text",
    required: true,
  },
  {
    name: "google_service_account_email",
    label: "Service Account Email",
    type: "text",
    required: true,
    placeholder: "name@project.iam.gserviceaccount.com",
  },
  KMS,
];

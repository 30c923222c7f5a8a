import type { Trouble } from "../definition.ts";

/**
 * What goes wrong with impersonation, in the words that people search for. The errors of the driver say the same where it meets
 * them; the first row is the API's, and the last one only a browser sees.
 */
export const IMPERSONATION_TROUBLES: readonly Trouble[] = [
  {
    error: "404, and gcs_sa is not among the storage types",
    cause: "the feature flag is off",
    remedy: "the operator sets fflag_feat_bros_763_gcs_sa_impersonation=true and restarts",
  },
  {
    error: "permission iam.serviceAccounts.getAccessToken is denied",
    cause: "this platform's account may not act as the target service account",
    remedy:
      "grant roles/iam.serviceAccountTokenCreator on the target service account to this platform's account, and wait some minutes",
  },
  {
    error: "Google knows no such service account (404)",
    cause: "the address is misspelt, or the account is deleted",
    remedy: "check the address of the target service account and its project",
  },
  {
    error: "the account has no storage.buckets.get access to the bucket",
    cause: "a check of the bucket itself, which this system never makes: it lists objects instead",
    remedy:
      "grant storage.objects.list; storage.buckets.get (Storage Legacy Bucket Reader) is needed by other programs only",
  },
  {
    error:
      "blocked by CORS policy: No 'Access-Control-Allow-Origin' header (in the browser's console)",
    cause: "signed URLs lead the browser to the bucket, whose CORS settings do not name this site",
    remedy:
      "set CORS on the bucket for GET and HEAD from this site's origin (gcloud storage buckets update --cors-file), or turn pre-signed URLs off",
  },
];

import {
  ASK_OPERATOR,
  jsonSection,
  shellSection,
  toRanges,
  toSection,
  type SetupFacts,
  type SetupSection,
} from "../setup.ts";
import { writeFederation } from "./setup-federation.ts";

const ACCOUNT = "<name>@<project>.iam.gserviceaccount.com";
/** What a source and a target need, and the smallest roles of Google that have it. */
const SOURCE_ROLE = "roles/storage.objectViewer";
const TARGET_ROLE = "roles/storage.objectUser";

/** A storage with the key of a service account. */
export function writeGcsSetup(facts: SetupFacts): readonly SetupSection[] {
  const key = shellSection(
    "account",
    "A service account and its key",
    [
      `gcloud iam service-accounts create <name> --project=<project>`,
      `gcloud iam service-accounts keys create key.json --iam-account=${ACCOUNT}`,
    ],
    "The content of key.json is google_application_credentials of the storage. The key signs URLs by itself.",
  );
  return [key, ...writeRoles(facts), ...writeBucketSections(facts)];
}

/** A storage whose service account the platform's own impersonates. */
export function writeGcsSaSetup(facts: SetupFacts): readonly SetupSection[] {
  const { gcpServiceAccount = ASK_OPERATOR } = facts;
  const impersonation = shellSection(
    "impersonation",
    "Let the platform act as your service account",
    [
      "gcloud services enable iamcredentials.googleapis.com --project=<project>",
      `gcloud iam service-accounts add-iam-policy-binding ${ACCOUNT} \\`,
      `  --member=serviceAccount:${gcpServiceAccount} --role=roles/iam.serviceAccountTokenCreator`,
    ],
    "The role holds iam.serviceAccounts.getAccessToken and iam.serviceAccounts.signBlob, by which URLs are signed. A new grant takes some minutes.",
  );
  return [impersonation, ...writeRoles(facts), ...writeBucketSections(facts)];
}

/** A storage whose service account the platform reaches by a workload identity pool. */
export function writeGcsWifSetup(facts: SetupFacts): readonly SetupSection[] {
  return [...writeFederation(facts), ...writeRoles(facts), ...writeBucketSections(facts)];
}

function writeRoles({ bucket }: SetupFacts): readonly SetupSection[] {
  const grant = (role: string): readonly string[] => [
    `gcloud storage buckets add-iam-policy-binding gs://${bucket} \\`,
    `  --member=serviceAccount:${ACCOUNT} --role=${role}`,
  ];
  return [
    shellSection(
      "source_role",
      "Role of a source",
      grant(SOURCE_ROLE),
      "Needed of it: storage.objects.list for the tasks, storage.objects.get for their media.",
    ),
    shellSection(
      "target_role",
      "Role of a target",
      grant(TARGET_ROLE),
      "Needed of it: storage.objects.create; storage.objects.delete to write an annotation again, since replacing an object deletes the one before. With roles/storage.objectCreator alone only the first save of each annotation arrives.",
    ),
  ];
}

function writeBucketSections(facts: SetupFacts): readonly SetupSection[] {
  const { bucket, origin } = facts;
  const cors = [
    {
      origin: [origin],
      method: ["GET", "HEAD"],
      responseHeader: ["Accept-Ranges", "Content-Length", "Content-Range", "Content-Type", "ETag"],
      maxAgeSeconds: 3_600,
    },
  ];
  return [
    jsonSection(
      "cors",
      "CORS settings of the bucket (cors.json)",
      cors,
      `gcloud storage buckets update gs://${bucket} --cors-file=cors.json`,
    ),
    ...writeIpFilter(facts),
  ];
}

function writeIpFilter({ bucket, outgoingAddresses }: SetupFacts): readonly SetupSection[] {
  if (outgoingAddresses.length === 0) return [];
  const filter = {
    mode: "Enabled",
    publicNetworkSource: { allowedIpCidrRanges: toRanges(outgoingAddresses) },
    vpcNetworkSources: [
      {
        network: "projects/<project>/global/networks/<network>",
        allowedIpCidrRanges: ["<range of your network>"],
      },
    ],
    allowCrossOrgVpcs: false,
    allowAllServiceAgentAccess: true,
  };
  return [
    jsonSection(
      "ip_filter",
      "IP filter of the bucket (ip-filter.json)",
      filter,
      "The public ranges are those of the platform; add your own and those from which annotators open signed URLs, and the networks of your machines in Google Cloud, or take vpcNetworkSources out. Whoever is not named is locked out, you too.",
    ),
    shellSection("ip_filter_on", "Turn the IP filter on (gcloud 526 or newer)", [
      `gcloud storage buckets update gs://${bucket} --ip-filter-file=ip-filter.json`,
    ]),
    shellSection("ip_filter_off", "Remove the IP filter", [
      `gcloud storage buckets update gs://${bucket} --clear-ip-filter`,
    ]),
    toSection({
      id: "ip_filter_limits",
      title: "Limits of the IP filter",
      format: "text",
      text: "It needs roles/storage.admin to be set (storage.buckets.setIpFilter). Lists are limited: see the vendor's page on bucket IP filtering. Give somebody storage.buckets.exemptFromIpFilter by a custom role before you turn it on: it lets him read, change and delete the bucket's settings from anywhere, and so undo a wrong filter. Other services of Google that read the bucket may be locked out.",
    }),
  ];
}

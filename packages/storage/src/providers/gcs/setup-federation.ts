import {
  ASK_OPERATOR,
  shellSection,
  toSection,
  type SetupFacts,
  type SetupSection,
} from "../setup.ts";

const POOL = "bucketbridge";
const PROVIDER = "platform";
const ACCOUNT = "<name>@<project>.iam.gserviceaccount.com";
const MEMBERS = `principalSet://iam.googleapis.com/projects/<project number>/locations/global/workloadIdentityPools/${POOL}`;

/** What a provider of a pool believes, and which of its principals may act. */
interface Belief {
  readonly account: string;
  readonly mapping: Readonly<Record<string, string>>;
  readonly condition: string;
  /** What stands behind the pool's name in a principal set. */
  readonly member: string;
  readonly note: string;
}

/** A pool and a provider for the platform, as Terraform and as commands. */
export function writeFederation(facts: SetupFacts): readonly SetupSection[] {
  const belief = facts.gcpSubject.kind === "oidc" ? undefined : toBelief(facts);
  if (belief === undefined) return [oidcCommands()];
  return [
    toSection(
      {
        id: "pool_terraform",
        title: "Workload identity pool and provider, by Terraform",
        format: "terraform",
        text: toTerraform(belief),
      },
      belief.note,
    ),
    shellSection(
      "pool_gcloud",
      "The same by gcloud",
      toCommands(belief),
      "google_wif_pool_id is bucketbridge, google_wif_provider_id is platform.",
    ),
  ];
}

function toBelief({ gcpSubject, externalId, awsPrincipal }: SetupFacts): Belief {
  const roleArn = gcpSubject.kind === "aws" ? gcpSubject.roleArn : undefined;
  const arn = roleArn ?? awsPrincipal ?? `arn:aws:iam::${ASK_OPERATOR}:role/${ASK_OPERATOR}`;
  const account = arn.split(":")[4] ?? "";
  const name = arn.slice(arn.lastIndexOf("/") + 1);
  const role = {
    "google.subject": "assertion.arn",
    "attribute.aws_role": "assertion.arn.extract('assumed-role/{role}/')",
  };
  if (roleArn !== undefined)
    return {
      account,
      mapping: {
        ...role,
        "attribute.external_id": `assertion.arn.extract('assumed-role/${name}/{session}')`,
      },
      condition: `attribute.aws_role == '${name}' && attribute.external_id == '${externalId}'`,
      member: `attribute.external_id/${externalId}`,
      note: "The platform signs as its role, in a session that is named by your organisation's external id: nobody else's session passes the condition.",
    };
  const isUser = arn.includes(":user/");
  return {
    account,
    mapping: isUser ? { "google.subject": "assertion.arn" } : role,
    condition: isUser ? `assertion.arn == '${arn}'` : `attribute.aws_role == '${name}'`,
    member: isUser ? "*" : `attribute.aws_role/${name}`,
    note: "This installation shows one identity to all pools, which is enough while it has one organisation. With several, its operator has to set BUCKETBRIDGE_GCP_AWS_ROLE_ARN first.",
  };
}

function toTerraform({ account, mapping, condition, member }: Belief): string {
  const lines = Object.entries(mapping).map(([key, value]) => `    "${key}" = "${value}"`);
  return `resource "google_iam_workload_identity_pool" "labels" {
  workload_identity_pool_id = "${POOL}"
}

resource "google_iam_workload_identity_pool_provider" "labels" {
  workload_identity_pool_id          = google_iam_workload_identity_pool.labels.workload_identity_pool_id
  workload_identity_pool_provider_id = "${PROVIDER}"
  attribute_mapping = {
${lines.join("\n")}
  }
  attribute_condition = "${condition}"
  aws {
    account_id = "${account}"
  }
}

resource "google_service_account" "labels" {
  account_id = "<name>"
}

resource "google_service_account_iam_member" "federated" {
  service_account_id = google_service_account.labels.name
  role               = "roles/iam.workloadIdentityUser"
  member             = "principalSet://iam.googleapis.com/\${google_iam_workload_identity_pool.labels.name}/${member}"
}

# Signs URLs. Not needed while pre-signed URLs are off.
resource "google_service_account_iam_member" "signs" {
  service_account_id = google_service_account.labels.name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = google_service_account.labels.member
}`;
}

function toCommands({ account, mapping, condition, member }: Belief): readonly string[] {
  const pairs = Object.entries(mapping).map((pair) => pair.join("="));
  return [
    `gcloud iam workload-identity-pools create ${POOL} --project=<project> --location=global`,
    `gcloud iam workload-identity-pools providers create-aws ${PROVIDER} --project=<project> --location=global \\`,
    `  --workload-identity-pool=${POOL} --account-id=${account} \\`,
    `  --attribute-mapping="${pairs.join(",")}" \\`,
    `  --attribute-condition="${condition}"`,
    ...bindingCommands(member),
  ];
}

function bindingCommands(member: string): readonly string[] {
  return [
    "gcloud services enable iamcredentials.googleapis.com sts.googleapis.com --project=<project>",
    `gcloud iam service-accounts add-iam-policy-binding ${ACCOUNT} --project=<project> \\`,
    `  --role=roles/iam.workloadIdentityUser --member="${MEMBERS}/${member}"`,
    `gcloud iam service-accounts add-iam-policy-binding ${ACCOUNT} --project=<project> \\`,
    `  --role=roles/iam.serviceAccountTokenCreator --member=serviceAccount:${ACCOUNT}`,
  ];
}

function oidcCommands(): SetupSection {
  return shellSection(
    "pool_gcloud",
    "Workload identity pool and provider, by gcloud",
    [
      `gcloud iam workload-identity-pools create ${POOL} --project=<project> --location=global`,
      `gcloud iam workload-identity-pools providers create-oidc ${PROVIDER} --project=<project> --location=global \\`,
      `  --workload-identity-pool=${POOL} --issuer-uri="${ASK_OPERATOR}" \\`,
      `  --attribute-mapping="google.subject=assertion.sub" \\`,
      `  --attribute-condition="assertion.sub == '${ASK_OPERATOR}'"`,
      ...bindingCommands("*"),
    ],
    "This installation shows an OIDC token. Its operator knows the issuer and the subject.",
  );
}

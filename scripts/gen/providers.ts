import { silentLogger } from "@bucketbridge/core";
import type { StorageDriver } from "@bucketbridge/storage";
import { createEgress } from "@bucketbridge/storage/egress";
import {
  listSettingsFields,
  loadProvider,
  loadSetup,
  PROVIDER_NAMES,
  type ProviderDefinition,
  type ProviderName,
  type SetupFacts,
} from "@bucketbridge/storage/providers";
import { collectReasons, type ReasonUse } from "./reasons.ts";
import { code, toTable } from "./table.ts";

const INTRODUCTION = `# Storage types

Made from packages/storage/src/providers by \`npm run gen\`; do not edit.

Every type works as a source and as a target. What stands below to paste, \`GET /api/v1/storages/{type}/setup?project=…&bucket=…\` answers
with the bucket, the organisation's external id, this installation's principals and its addresses in place. \`POST …/validate?deep=true\` tries
a storage step by step and names what fails. The guides: [AWS](how-to/connect-aws-role.md), [Google](how-to/connect-google.md),
[Azure](how-to/connect-azure.md), [Databricks](how-to/connect-databricks.md).
`;

/** Settings that parse, so that a driver can be made and asked what it can do. No connection is made. */
const SAMPLES: Readonly<Record<ProviderName, Readonly<Record<string, unknown>>>> = {
  s3: { bucket: "b", aws_access_key_id: "k", aws_secret_access_key: "s" },
  s3s: { bucket: "b", role_arn: "arn:aws:iam::123456789012:role/r" },
  gcs: { bucket: "b" },
  gcs_sa: { bucket: "b", target_service_account_email: "a@p.iam.gserviceaccount.com" },
  gcswif: {
    ...{ bucket: "b", google_project_number: "1", google_wif_pool_id: "p" },
    ...{ google_wif_provider_id: "q", google_service_account_email: "a@p.iam.gserviceaccount.com" },
  },
  azure: { container: "c", account_name: "account", account_key: "a2V5" },
  azure_spi: {
    ...{
      container: "c",
      account_name: "account",
      tenant_id: "t",
      client_id: "c",
      client_secret: "s",
    },
  },
  redis: { host: "localhost", port: "6379", db: 1 },
  localfiles: { path: "/data/folder" },
  databricks: {
    ...{ host: "https://w.example", catalog: "c", schema: "s", volume: "v", token: "t" },
  },
};

const FACTS: SetupFacts = {
  bucket: "my-bucket",
  prefix: "folder/",
  externalId: "<external id of your organisation>",
  origin: "https://label.example.org",
  awsPrincipal: "<principal of the installation>",
  awsFormerPrincipal: "<former principal of the installation>",
  gcpServiceAccount: "<service account of the installation>",
  gcpSubject: { kind: "aws", roleArn: "arn:aws:iam::<account>:role/<role of the installation>" },
  outgoingAddresses: ["192.0.2.1"],
};

/** Types that share a driver, first the one whose documents stand for the others. */
const FAMILIES: readonly (readonly ProviderName[])[] = [
  ["s3", "s3s"],
  ["gcs", "gcs_sa", "gcswif"],
  ["azure", "azure_spi"],
  ["redis"],
  ["localfiles"],
  ["databricks"],
];

/** docs/providers.md: what each type can do, needs and says when it fails. */
export async function renderProviders(): Promise<string> {
  const reasons = collectReasons();
  const parts = [INTRODUCTION, await renderMatrix()];
  for (const family of FAMILIES) {
    const shown = new Map<string, ProviderName>();
    for (const name of family) parts.push(await renderType(name, { shown, reasons }));
  }
  return parts.join("\n");
}

async function renderMatrix(): Promise<string> {
  const rows: string[][] = [];
  for (const name of PROVIDER_NAMES) rows.push(await toMatrixRow(name));
  const head = [
    ...["type", "references", "signed URLs", "deletes", "listing", "resumes at a key"],
    ...["ranges", "conditional writes", "etag", "longest key"],
  ];
  return `## What each type can do\n\n${toTable(head, rows)}\n
A type without signed URLs streams media through the API. A listing in key order makes syncs without news cheap. A conditional write keeps two
writers apart.\n`;
}

async function toMatrixRow(name: ProviderName): Promise<string[]> {
  const definition = await loadProvider(name);
  const driver = await openSample(definition, name);
  const { traits } = driver;
  const reference = definition.referencePrefix(definition.settings.parse(SAMPLES[name]));
  const row = [
    ...[code(name), reference === "" ? "–" : code(reference)],
    ...[yes("presignRead" in driver), yes("delete" in driver)],
    traits.order === "key" ? "in key order" : "in any order",
    ...[yes(traits.listAfter), yes(traits.rangeRead)],
    traits.putConditions.length === 0 ? "–" : traits.putConditions.join(", "),
    ...[traits.etag === "none" ? "–" : traits.etag, `${String(traits.maxKeyBytes)} bytes`],
  ];
  await driver.close();
  return row;
}

async function openSample(
  definition: ProviderDefinition,
  name: ProviderName,
): Promise<StorageDriver> {
  const egress = createEgress({ allow: [], denied: [] });
  const deps = {
    ...{ egress, log: silentLogger, ambient: {} },
    localFiles: { documentRoot: "/data", servingEnabled: true },
    platform: { egress, aws: {}, gcp: {}, azure: {} },
  };
  return definition.open(definition.settings.parse(SAMPLES[name]), deps, {
    ...{ organizationId: 1, organizationExternalId: "e", isOnlyOrganization: true },
    ...{ storageId: undefined, direction: "source", prefix: "" },
  });
}

function yes(value: unknown): string {
  return value === undefined || value === false ? "–" : "yes";
}

async function renderType(
  name: ProviderName,
  family: {
    readonly shown: Map<string, ProviderName>;
    readonly reasons: readonly ReasonUse[];
  },
): Promise<string> {
  const definition = await loadProvider(name);
  return [
    `## ${definition.title} (${code(name)})\n`,
    renderSettings(definition),
    await renderSetup(name, family.shown),
    renderTroubles(definition, family.reasons),
  ].join("\n");
}

function renderSettings({ settings, form }: ProviderDefinition): string {
  const shape = settings.shape as Readonly<
    Record<string, { safeParse(value: unknown): { success: boolean } }>
  >;
  const rows = listSettingsFields(settings).map(({ name, secret, host, location }) => {
    const field = form.find((one) => one.name === name);
    const notes = [
      secret ? "secret" : "",
      host ? "a change demands the secrets again" : location ? "a change is a new place" : "",
    ];
    const isRequired = shape[name]?.safeParse(undefined).success === false;
    return [
      code(name),
      isRequired ? "yes" : "",
      field === undefined
        ? "taken, and not used"
        : [field.label, field.description].filter((text) => text !== undefined).join(": "),
      notes.filter((note) => note !== "").join("; "),
    ];
  });
  return `### Settings\n\n${toTable(["field", "required", "meaning", "notes"], rows)}\n`;
}

async function renderSetup(name: ProviderName, shown: Map<string, ProviderName>): Promise<string> {
  const sections = (await loadSetup(name))(FACTS);
  const parts = sections.map(({ id, title, format, text, note }) => {
    const before = shown.get(id + text);
    if (before !== undefined) return `**${title}**: as for ${code(before)}.\n`;
    shown.set(id + text, name);
    const language = { json: "json", shell: "bash", terraform: "hcl", sql: "sql", text: "" }[
      format
    ];
    const body = format === "text" ? text : `\`\`\`${language}\n${text}\n\`\`\``;
    return `**${title}**\n\n${body}\n${note === undefined ? "" : `\n${note}\n`}`;
  });
  return `### At the store\n\n${parts.join("\n")}`;
}

function renderTroubles(
  { name, troubles }: ProviderDefinition,
  reasons: readonly ReasonUse[],
): string {
  const own = reasons.filter(({ reason }) => reason.startsWith(`${name}.`));
  if (own.length === 0 && troubles === undefined) return "";
  const met = (troubles ?? []).map(({ error, cause, remedy }) => [error, cause, remedy]);
  const tables = [
    ...(met.length === 0 ? [] : [toTable(["what you see", "cause", "remedy"], met)]),
    ...(own.length === 0
      ? []
      : [
          toTable(
            ["reason", "what it says", "what to do"],
            own.map(({ reason, says, hint }) => [code(reason), says, hint]),
          ),
        ]),
  ];
  return `### When it fails\n\n${tables.join("\n\n")}\n`;
}

import { shellSection, toSection, type SetupFacts, type SetupSection } from "../setup.ts";

/** `bucket` is `catalog.schema.volume`, or anything that a reader puts into its place. */
export function writeDatabricksSetup({
  bucket,
  outgoingAddresses,
}: SetupFacts): readonly SetupSection[] {
  const [catalog = "<catalog>", schema = "<schema>", volume = "<volume>"] = bucket.split(/[./]/);
  const names = [catalog, schema, volume].map((name) => `\`${name}\``);
  const grants = (privilege: string): string =>
    [
      `GRANT USE CATALOG ON CATALOG ${names[0] ?? ""} TO \`<principal>\`;`,
      `GRANT USE SCHEMA ON SCHEMA ${names.slice(0, 2).join(".")} TO \`<principal>\`;`,
      `GRANT ${privilege} ON VOLUME ${names.join(".")} TO \`<principal>\`;`,
    ].join("\n");
  const principal =
    "The principal is the address of a user, or the application id of a service principal.";
  return [
    toSection(
      {
        id: "source_grants",
        title: "Privileges of a source",
        format: "sql",
        text: grants("READ VOLUME"),
      },
      principal,
    ),
    toSection(
      {
        id: "target_grants",
        title: "Privileges of a target",
        format: "sql",
        text: grants("WRITE VOLUME"),
      },
      principal,
    ),
    ...(outgoingAddresses.length === 0
      ? []
      : [
          shellSection(
            "ip_access_list",
            "Let the platform through the workspace's IP access list",
            [
              `databricks ip-access-lists create --json '${JSON.stringify({ label: "bucketbridge", list_type: "ALLOW", ip_addresses: outgoingAddresses })}'`,
            ],
            "Media always stream through the platform, so annotators' addresses need not be in it.",
          ),
        ]),
  ];
}

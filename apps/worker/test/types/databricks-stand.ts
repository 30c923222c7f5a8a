import { startDatabricksFake } from "@bucketbridge/testkit/databricks-fake";
import type { TypeStand } from "./type-stand.ts";

/** A volume of a workspace in this process. */
export async function openDatabricksStand(): Promise<TypeStand> {
  const token = "dapi-all-types";
  const fake = await startDatabricksFake({
    volumes: ["main/default/pets"],
    tokens: [
      { token },
      { token: "dapi-lister", allow: ["list"] },
      { token: "dapi-writer", allow: ["write"] },
    ],
  });
  return {
    type: "databricks",
    settings: { host: fake.endpoint, catalog: "main", schema: "default", volume: "pets" },
    secrets: { token },
    lister: { secrets: { token: "dapi-lister" } },
    writer: { secrets: { token: "dapi-writer" } },
    worker: {},
    referencePrefix: "dbx://Volumes/main/default/pets/",
    seed: (key, body) => {
      fake.putFile(`main/default/pets/${key}`, body);
    },
    keys: () => fake.listFiles("main/default/pets"),
    read: (key) => fake.readFile(`main/default/pets/${key}`)?.toString() ?? "",
    close: () => fake.close(),
  };
}

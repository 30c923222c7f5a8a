import { startS3Fake } from "@bucketbridge/testkit/s3-fake";
import { parseSessionPolicy } from "@bucketbridge/testkit/sts-fake";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { useLocalStores } from "./fixtures/local-stores.ts";
import { useApi } from "./harness.ts";

type Json = Record<string, unknown>;
type Access = Parameters<ReturnType<typeof parseSessionPolicy>>[0];

const s3 = await startS3Fake({ buckets: [{ name: "pets", corsOrigins: ["*"] }], accessKeys: [] });

/** What set-up help writes is what a store is given, and a thorough check finds whether it is enough. */
describe("the policies of set-up help", () => {
  const stores = useLocalStores(["loopback"]);
  const api = useApi("api_setup_policies", stores.change);
  let project = 0;
  const policies: Record<string, string> = {};

  beforeAll(async () => {
    for (const key of ["in/a.jpg", "other/b.jpg"]) s3.putObject("pets", key, key);
    const request = { method: "POST", url: "/api/projects/", payload: {} } as const;
    project = (await api().request(request)).json<{ id: number }>().id;
    const query = `project=${String(project)}&bucket=pets&prefix=in`;
    const help = await api().request({ url: `/api/v1/storages/s3/setup?${query}` });
    for (const { id, text } of help.json<{ sections: { id: string; text: string }[] }>().sections)
      policies[id] = text;
  });
  afterAll(() => s3.close());

  let keys = 0;
  /** A key pair that may do what the policies with these names say. */
  function makeKeys(...names: readonly string[]): Json {
    keys++;
    const accessKeyId = `AK${String(keys)}`;
    const statements = names.flatMap((name) => {
      const document = JSON.parse(policies[name] ?? "{}") as { Statement?: unknown[] };
      return document.Statement ?? [document];
    });
    const mayDo = parseSessionPolicy(JSON.stringify({ Statement: statements }));
    s3.addAccessKey({ accessKeyId, secretAccessKey: "secret", mayDo: (one: Access) => mayDo(one) });
    return { aws_access_key_id: accessKeyId, aws_secret_access_key: "secret" };
  }

  async function check(way: string, payload: Json) {
    const place = { project, bucket: "pets", s3_endpoint: s3.endpoint, prefix: "in" };
    const answer = await api().request({
      ...{ method: "POST", url: `/api/storages/${way}s3/validate?deep=true` },
      payload: { ...place, ...payload },
    });
    const { steps = [], warnings = [] } = answer.json<{
      steps?: { name: string; ok: boolean }[];
      warnings?: { code: string }[];
    }>();
    return {
      tried: steps.length,
      failed: steps.filter(({ ok }) => !ok).map(({ name }) => name),
      warned: warnings.map(({ code }) => code),
    };
  }

  it("are enough for a source, below its prefix alone", async () => {
    const credentials = makeKeys("source_policy");
    expect(await check("", credentials)).toEqual({ tried: 8, failed: [], warned: [] });
    const outside = await check("", { ...credentials, prefix: "other" });
    expect(outside.failed).toEqual(["connection"]);
    const writing = await check("export/", credentials);
    expect(writing.failed).toEqual(["put"]);
  });

  it("are enough for a target, which may not look, read or delete", async () => {
    const credentials = makeKeys("target_policy");
    const { failed, warned } = await check("export/", credentials);
    expect(failed).toEqual([]);
    expect(warned).toEqual(["target.list_denied", "target.probe_left"]);
    expect((await check("export/", { ...credentials, prefix: "other" })).failed).toEqual(["put"]);
    expect((await check("", credentials)).failed).toEqual(["connection"]);
  });

  it("let a target delete and be compared by a statement more each", async () => {
    const deleting = makeKeys("target_policy", "target_delete_statement");
    const asked = { ...deleting, can_delete_objects: true };
    expect(await check("export/", asked)).toMatchObject({
      ...{ failed: [], warned: ["target.list_denied"] },
    });
    const compared = makeKeys("target_policy", "target_compare_statement");
    expect((await check("export/", compared)).warned).toEqual(["target.probe_left"]);
  });
});

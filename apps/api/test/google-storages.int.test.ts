import { Secret } from "@bucketbridge/core";
import { startGcsFake } from "@bucketbridge/testkit/gcs-fake";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { useLocalStores } from "./fixtures/local-stores.ts";
import { useApi, type TestRequest } from "./harness.ts";

type Json = Record<string, unknown>;

const OWNER = "owner@fake.iam.gserviceaccount.com";
const WRITER = "writer@fake.iam.gserviceaccount.com";
const PLATFORM = "platform@fake.iam.gserviceaccount.com";
const POOL = "principalSet:pool";
const CALLER = { accessKeyId: "AKIAPLATFORM", secretAccessKey: "platform-secret" };
const AUDIENCE =
  "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q";
const fake = await startGcsFake({
  buckets: ["pets"],
  accounts: [
    { email: OWNER, actors: [PLATFORM, POOL] },
    { email: WRITER, allow: ["create"], actors: [PLATFORM, POOL] },
    { email: PLATFORM, allow: [] },
  ],
  pools: [{ name: POOL, audience: AUDIENCE }],
  awsCallers: [{ ...CALLER, arn: "arn:aws:iam::123456789012:user/platform" }],
});
const { secretAccessKey } = CALLER;
const keys = {
  accessKeyId: CALLER.accessKeyId,
  secretAccessKey: new Secret(secretAccessKey),
  sessionToken: undefined,
};

const TYPES = ["gcs", "gcs_sa", "gcswif"] as const;
type Type = (typeof TYPES)[number];

/** How each type names the account that it acts as. */
const ACCOUNT_FIELDS: Readonly<Record<Type, (email: string) => Json>> = {
  gcs: (email) => ({ google_application_credentials: fake.keyJson(email) }),
  gcs_sa: (email) => ({ target_service_account_email: email }),
  gcswif: (email) => ({
    google_service_account_email: email,
    google_project_number: "1",
    google_wif_pool_id: "p",
    google_wif_provider_id: "q",
  }),
};

describe("Google storages", () => {
  const stores = useLocalStores(["loopback"], {
    aws: { keys },
    gcp: { credentials: new Secret(fake.keyJson(PLATFORM)), endpoints: fake.endpoints },
  });
  const api = useApi("api_google", (deps) => {
    const changed = stores.change(deps);
    const storageTypes = { ...changed.settings.storageTypes, gcsImpersonation: true };
    return { ...changed, settings: { ...changed.settings, storageTypes } };
  });
  let project = 0;

  beforeAll(async () => {
    for (const key of ["a.jpg", "dir/b.jpg"]) fake.putObject("pets", key, "bytes");
    const request = { method: "POST", url: "/api/projects/", payload: {} } as const;
    project = (await api().request(request)).json<{ id: number }>().id;
  });
  afterAll(() => fake.close());

  async function call(options: TestRequest, status = 200): Promise<Json> {
    const response = await api().request(options);
    expect(response.statusCode, response.body).toBe(status);
    return response.body === "" ? {} : response.json<Json>();
  }
  const complaintsOf = (answer: Json) => answer["validation_errors"] as Record<string, string[]>;

  describe.each(TYPES)("%s", (type) => {
    const account = (email = OWNER): Json => ACCOUNT_FIELDS[type](email);
    const post = (path: string, payload: Json, status: number) =>
      call(
        {
          method: "POST",
          url: `/api/storages/${path}`,
          payload: { project, bucket: "pets", ...account(), ...payload },
        },
        status,
      );

    it("is offered with a form", async () => {
      const types = (await api().request({ url: "/api/storages/types" })).json<Json[]>();
      expect(types.map(({ name }) => name)).toContain(type);
      const form = await api().request({ url: `/api/storages/${type}/form` });
      expect(form.body).toContain('"bucket"');
    });

    it.each(["", "export/"])(
      "is created, shown, changed, listed and deleted below /%s, and no answer or log line has a secret",
      async (path) => {
        const base = `${path}${type}`;
        await post(`${base}/validate`, {}, 200);
        const storage = await post(
          path === "" ? `${base}/` : base,
          { google_project_id: "x" },
          201,
        );
        expect(storage).toMatchObject({ type, bucket: "pets", google_project_id: "x" });
        const url = `/api/storages/${base}/${String(storage["id"])}`;
        const shown = await call({ url });
        const changed = await call({ method: "PATCH", url, payload: { title: "renamed" } });
        expect(changed).toMatchObject({ title: "renamed" });
        const listed = await api().request({
          url: `/api/storages/${base}/?project=${String(project)}`,
        });
        expect(listed.statusCode).toBe(200);
        await call({ method: "DELETE", url }, 204);
        const texts = [JSON.stringify([storage, shown, changed]), listed.body, api().log()];
        for (const text of texts)
          expect(text).not.toMatch(
            /PRIVATE KEY|ya29\.|platform-secret|google_application_credentials":"/,
          );
      },
    );

    it("previews what the account may list, by the stored credentials too", async () => {
      const { id } = await post(`${type}/`, { recursive_scan: true }, 201);
      const { files } = await call({
        method: "POST",
        url: `/api/storages/${type}/files`,
        payload: { project, id },
      });
      expect((files as Json[]).map(({ key }) => key)).toEqual(["a.jpg", "dir/b.jpg"]);
    });

    it("says in the contract's words that nothing is below a prefix", async () => {
      for (const path of [`${type}/`, `${type}/validate`]) {
        const answer = await post(path, { prefix: "nowhere" }, 400);
        expect(complaintsOf(answer)["non_field_errors"]?.[0]).toMatch(
          /^No blobs found in pets\/nowhere.* or prefix doesn't exist$/,
        );
      }
    });

    it("warns where a target may write and not list", async () => {
      const answer = await post(`export/${type}`, account(WRITER), 201);
      const codes = (answer["warnings"] as Json[]).map(({ code }) => code);
      expect(codes).toContain("target.list_denied");
    });

    it("is refused for a bucket that does not exist", async () => {
      const answer = await post(`${type}/`, { bucket: "nope" }, 400);
      expect(complaintsOf(answer)["non_field_errors"]?.[0]).toMatch(/the bucket does not exist/);
    });
  });

  it.each([
    ["not json", /^Google Application Credentials must be valid JSON string\. Expecting value/],
    [
      "{}",
      /^Service account info was not in the expected format, missing fields token_uri, client_email/,
    ],
    ['{"type":"external_account"}', /external_account are not accepted/],
  ])("refuses the credentials %s with a sentence", async (text, message) => {
    const answer = await call(
      {
        method: "POST",
        url: "/api/storages/gcs/",
        payload: { project, bucket: "pets", google_application_credentials: text },
      },
      400,
    );
    expect(complaintsOf(answer)["non_field_errors"]?.[0]).toMatch(message);
  });
});

import { spawn, spawnSync } from "node:child_process";
import path from "node:path";
import { startS3Fake, type S3Fake } from "@bucketbridge/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { useSystem } from "./system.ts";

/** A Python with what examples/python/requirements.txt names. */
const PYTHON = process.env["BUCKETBRIDGE_TEST_PYTHON"] ?? "python3";
const EXAMPLE = path.resolve(import.meta.dirname, "../../../examples/python/export_annotations.py");
const hasSdk =
  spawnSync(PYTHON, ["-c", "import boto3, label_studio_sdk"], { stdio: "ignore" }).status === 0;

const system = useSystem("python_example", "export");
let s3: S3Fake;
beforeAll(async () => {
  s3 = await startS3Fake({ buckets: ["out"] });
});
afterAll(() => s3.close());

/** Runs it to its end; what it printed. */
function runExample(env: NodeJS.ProcessEnv): Promise<{ code: number | null; output: string }> {
  const child = spawn(PYTHON, [EXAMPLE], { env: { PATH: process.env["PATH"], ...env } });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (data: Buffer) => (output += data.toString()));
  }
  return new Promise((resolve) => {
    child.once("close", (code) => {
      resolve({ code, output });
    });
  });
}

describe("examples/python/export_annotations.py", () => {
  // Starting Python and the SDK alone takes seconds.
  it.skipIf(!hasSdk)(
    "annotates with the unmodified SDK, and the bucket follows field by field",
    async () => {
      const [key] = s3.accessKeys;
      const { code, output } = await runExample({
        LABEL_STUDIO_URL: system().client.address,
        LABEL_STUDIO_API_KEY: system().client.token,
        BUCKET: "out",
        PREFIX: "labels",
        S3_ENDPOINT: s3.endpoint,
        AWS_ACCESS_KEY_ID: key?.accessKeyId,
        AWS_SECRET_ACCESS_KEY: key?.secretAccessKey,
      });
      expect(output).toContain("20 fields and 20 of its task are what Label Studio writes");
      expect(`${String(code)} ${output.trimEnd().split("\n").at(-1) ?? ""}`).toBe("0 done");
      expect(s3.listKeys("out")).toEqual([]);
    },
    120_000,
  );
});

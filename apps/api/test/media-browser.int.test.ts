import { openServerBucket, type ServerBucket } from "@bucketbridge/storage/testing/s3-server";
import { startS3Fake } from "@bucketbridge/testkit";
import { findMinio } from "@bucketbridge/testkit/minio";
import type { Browser, BrowserContext, Page, Response } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { findChromium, startChromium } from "./fixtures/chromium.ts";
import { useLocalStores } from "./fixtures/local-stores.ts";
import { makeWav, SPYING_HTML, SPYING_SVG, TOOL_PAGE } from "./fixtures/media-files.ts";
import { useApi } from "./harness.ts";

type Json = Record<string, unknown>;

const NO_CHROMIUM =
  "no Chromium: set CHROMIUM_PATH, or put chromium on the PATH (apt-get install chromium)";
/** Where the picture of docs/how-to/serve-media.md is written when it is wanted. */
const SCREENSHOT = process.env["BUCKETBRIDGE_SCREENSHOT"];
const FILES = ["cat.png", "tone.wav", "clip.webm", "page.html", "drawing.svg", "odd"] as const;
/** Pages of our origin that may run scripts: a labeling tool, and one that shows what it should not. */
const PAGES = { "/tool": TOOL_PAGE, "/careless": SPYING_HTML };
type FileName = (typeof FILES)[number];

const executable = findChromium();

describe("media in a real browser", () => {
  const stores = useLocalStores(["loopback"]);
  const api = useApi("api_media_browser", stores.change);
  let browser: Browser | undefined;
  let context: BrowserContext;
  let page: Page;
  let origin = "";
  let bucket: ServerBucket;
  let disposeServer = (): Promise<void> => Promise.resolve();
  let fields: Json = {};
  let source = 0;
  let urls: Readonly<Record<FileName, string>>;
  let answers: Response[] = [];

  beforeAll(async () => {
    if (executable === undefined) return;
    browser = await startChromium(executable);
    const { app } = api();
    // Really served: what a test hands to the browser itself counts as a page of the internet, which may not ask loopback addresses.
    for (const [url, body] of Object.entries(PAGES))
      app.get(url, { config: { public: true } }, (_request, reply) =>
        reply.removeHeader("content-security-policy").type("text/html").send(body),
      );
    origin = await app.listen({ port: 0, host: "127.0.0.1" });
    await openBucket();
    const drawing = await browser.newPage();
    await openTool(drawing);
    const made = await call<{ png: string; webm: string }>(drawing, "makePictures");
    await drawing.close();
    await bucket.put("cat.png", Buffer.from(made.png, "base64"));
    await bucket.put("tone.wav", makeWav());
    await bucket.put("clip.webm", Buffer.from(made.webm, "base64"));
    await bucket.put("page.html", Buffer.from(SPYING_HTML));
    await bucket.put("drawing.svg", Buffer.from(SPYING_SVG));
    await bucket.put("odd", Buffer.from(SPYING_HTML));
    await connect();
  });
  afterAll(async () => {
    await browser?.close();
    await disposeServer();
  });
  beforeEach(async ({ skip }) => {
    if (browser === undefined) return skip(NO_CHROMIUM);
    context = await browser.newContext({ viewport: { width: 640, height: 300 } });
    page = await context.newPage();
    answers = [];
    context.on("response", (response) => void answers.push(response));
    await signIn();
  });
  afterEach(async () => {
    if (browser !== undefined) await context.close();
  });

  /** MinIO where one runs, else the fake, which answers CORS too. */
  async function openBucket(): Promise<void> {
    const minio = await findMinio();
    const fake = minio === undefined ? await startS3Fake() : undefined;
    const endpoint = minio?.endpoint ?? fake?.endpoint;
    const [fakeKey] = fake?.accessKeys ?? [];
    const keys = minio ?? fakeKey;
    const { accessKeyId = "", secretAccessKey = "" } = keys ?? {};
    const place = { endpoint, region: "us-east-1", keys: { accessKeyId, secretAccessKey } };
    if (fake !== undefined) fake.createBucket({ name: "media", corsOrigins: ["*"] });
    bucket = await openServerBucket({ ...place, bucket: fake === undefined ? undefined : "media" });
    disposeServer = async () => {
      await bucket.dispose();
      await fake?.close();
    };
    fields = {
      bucket: bucket.name,
      s3_endpoint: endpoint,
      aws_access_key_id: accessKeyId,
      aws_secret_access_key: secretAccessKey,
      use_blob_urls: true,
    };
  }

  async function post(url: string, payload: Json): Promise<Json> {
    const response = await api().request({ method: "POST", url, payload });
    expect(response.statusCode, response.body).toBe(201);
    return response.json<Json>();
  }

  async function connect(): Promise<void> {
    const project = (await post("/api/projects/", {}))["id"];
    source = (await post("/api/storages/s3/", { project, ...fields }))["id"] as number;
    const data = Object.fromEntries(FILES.map((name) => [name, `s3://${bucket.name}/${name}`]));
    const task = (await post("/api/tasks/", { project, data }))["id"];
    const shown = await api().request({ url: `/api/tasks/${String(task)}/` });
    urls = shown.json<{ data: Record<FileName, string> }>().data;
  }

  const serveBy = async (presign: boolean): Promise<void> => {
    const url = `/api/storages/s3/${String(source)}`;
    const response = await api().request({ method: "PATCH", url, payload: { presign } });
    expect(response.statusCode, response.body).toBe(200);
  };

  async function openTool(on: Page): Promise<void> {
    await on.goto(`${origin}/tool`);
  }

  /** A function of the tool. */
  function call<T>(on: Page, name: string, ...values: readonly unknown[]): Promise<T> {
    const texts = values.map((value) => JSON.stringify(value));
    return on.evaluate<T>(`tool.${name}(${texts.join(", ")})`);
  }

  async function signIn(): Promise<void> {
    await openTool(page);
    const { email, token: password } = api().owner;
    expect(await call(page, "signIn", { email, password })).toBe(201);
    expect((await context.cookies()).length).toBeGreaterThan(0);
  }

  const spied = (): string[] =>
    answers.map((one) => one.url()).filter((url) => url.includes("/spy?"));

  describe.each([
    ["redirected to the store", true],
    ["streamed through us", false],
  ])("%s", (_name, presign) => {
    beforeEach(async () => {
      if (browser !== undefined) await serveBy(presign);
    });
    const bodies = (name: FileName): Response[] =>
      answers.filter(
        (one) =>
          [200, 206].includes(one.status()) &&
          (presign ? one.url().includes(`/${name}?`) : one.url() === origin + urls[name]),
      );

    it("shows an image", async () => {
      expect(await call(page, "showImage", urls["cat.png"])).toBe(160);
      expect(bodies("cat.png")[0]?.headers()["content-type"]).toBe("image/png");
    });

    it("plays audio and seeks in it by ranges", async () => {
      const played = await call<{ duration: number; time: number }>(
        page,
        "playAudio",
        urls["tone.wav"],
        50,
      );
      expect(played.duration).toBe(60);
      expect(played.time).toBeGreaterThanOrEqual(50);
      const [first] = bodies("tone.wav");
      expect(first?.status()).toBe(206);
      expect(first?.headers()["content-range"]).toMatch(/^bytes 0-/);
    });

    it("plays video by ranges", async () => {
      expect(await call(page, "playVideo", urls["clip.webm"])).toBe(160);
      expect(bodies("clip.webm")[0]?.status()).toBe(206);
    });

    it("gives a page of text to the tool that asks for it, and its scripts run nowhere", async () => {
      expect(await call(page, "fetchText", urls["page.html"])).toBe(SPYING_HTML);
      expect(spied()).toEqual([]);
    });

    it("shows a drawing as an image, and its scripts do not run", async () => {
      expect(await call(page, "showImage", urls["drawing.svg"])).toBe(40);
      expect(spied()).toEqual([]);
    });

    it.each(["page.html", "drawing.svg", "odd"] as const)(
      "makes a download of %s that is opened by itself or in a frame",
      async (name) => {
        const download = page.waitForEvent("download");
        await page.goto(origin + urls[name]).catch(() => undefined);
        expect((await download).suggestedFilename()).toBe(name);
        await page.goto(`${origin}/tool`);
        const framed = page.waitForEvent("download");
        await call(page, "frame", urls[name]);
        await framed;
        expect(spied()).toEqual([]);
      },
    );
  });

  it("keeps the session's cookie from every script", async () => {
    expect(await page.evaluate("document.cookie")).toBe("");
  });

  it("would notice a script that runs", async () => {
    const spy = page.waitForResponse((response) => response.url().includes("/spy?"));
    await page.goto(`${origin}/careless`);
    await spy;
    expect(spied()).toHaveLength(1);
  });

  it.runIf(SCREENSHOT)("is photographed for the documentation", async () => {
    await serveBy(false);
    await call(page, "exhibit", {
      image: urls["cat.png"],
      drawing: urls["drawing.svg"],
      video: urls["clip.webm"],
      audio: urls["tone.wav"],
    });
    await page.screenshot({ path: String(SCREENSHOT) });
  });
});

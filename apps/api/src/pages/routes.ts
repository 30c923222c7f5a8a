import fs from "node:fs";
import path from "node:path";
import type { FastifyInstance } from "fastify";

const ASSETS = path.join(import.meta.dirname, "assets");

/** Nothing inline, nothing of another host; the form is sent by the script. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** Every page is the same file: its script shows the form that fits the path. */
const FILES = [
  ["/sign-in", "page.html", "text/html; charset=utf-8"],
  ["/invitation", "page.html", "text/html; charset=utf-8"],
  ["/setup", "page.html", "text/html; charset=utf-8"],
  ["/sign-in/page.js", "page.js", "text/javascript; charset=utf-8"],
  ["/sign-in/page.css", "page.css", "text/css; charset=utf-8"],
] as const;

/** The pages that people need before they have a session: sign-in, accepting an invitation, making the first owner. */
export function registerPages(app: FastifyInstance): void {
  for (const [url, file, type] of FILES) {
    const body = fs.readFileSync(path.join(ASSETS, file));
    app.get(url, { config: { public: true }, schema: { hide: true } }, (_request, reply) =>
      reply
        .header("content-security-policy", CONTENT_SECURITY_POLICY)
        .header("cache-control", "no-cache")
        .type(type)
        .send(body),
    );
  }
}

import { createHash } from "node:crypto";
import { MAX_ROW_ID } from "@bucketbridge/contracts";
import { AppError } from "@bucketbridge/core";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { z } from "zod";
import { ApiError } from "../../api-error.ts";
import type { ApiDeps } from "../../deps.ts";
import { makeJsonParse } from "../../json/json-parser.ts";
import { isSignedBy, readSignature, type Signature } from "./signature.ts";

/** Who signed a body. */
export interface Signed {
  readonly organizationId: number;
  readonly projectId: number;
  readonly bodyHash: Uint8Array;
}

type SignedDeps = Pick<ApiDeps, "eventAccess" | "clock">;

declare module "fastify" {
  interface FastifyRequest {
    /** The body as it came, in a scope of signed requests. */
    rawBody: Buffer | null;
    /** Set once the signature was checked. Read it through `signedOf`. */
    signed: Signed | null;
  }
}

/** All that is read of a body before its signature is checked. */
const signedFor = z.object({ project: z.int().min(1).max(MAX_ROW_ID) });

/** Routes of this scope take JSON that a key of the project in its `project` signed; everything else is a 401. */
export function requireSignature(scope: FastifyInstance, deps: SignedDeps): void {
  scope.decorateRequest("rawBody", null);
  scope.decorateRequest("signed", null);
  const parse = makeJsonParse(scope);
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser("application/json", { parseAs: "buffer" }, (request, body, done) => {
    request.rawBody = Buffer.from(body);
    parse(request, request.rawBody.toString("utf8"), done);
  });
  scope.addHook("onRequest", (request, _reply, done) => {
    // Nobody's body is read without a signature that could be right.
    done(signatureOf(request, deps) === undefined ? badSignature() : undefined);
  });
  scope.addHook("preValidation", async (request) => {
    request.signed = await check(request, deps);
  });
}

/** Who signed the body of a request, on a route behind `requireSignature`. */
export function signedOf({ signed }: FastifyRequest): Signed {
  if (signed !== null) return signed;
  throw new AppError({ code: "internal", message: "a signed request was read before its check" });
}

function signatureOf(request: FastifyRequest, { clock }: SignedDeps): Signature | undefined {
  const header = request.headers["x-bucketbridge-signature"];
  return typeof header === "string" ? readSignature(header, clock.now()) : undefined;
}

async function check(request: FastifyRequest, deps: SignedDeps): Promise<Signed> {
  const { eventAccess } = deps;
  const { rawBody } = request;
  const signature = signatureOf(request, deps);
  const projectId = signedFor.safeParse(request.body).data?.project;
  if (rawBody === null || signature === undefined || projectId === undefined) throw badSignature();
  const organizationId = await eventAccess.findOrganization(projectId);
  if (organizationId === undefined) throw badSignature();
  const keys = await eventAccess.openKeys(organizationId, projectId);
  if (!isSignedBy(keys, signature, rawBody)) throw badSignature();
  const bodyHash = new Uint8Array(createHash("sha256").update(rawBody).digest());
  return { organizationId, projectId, bodyHash };
}

/** One answer for all of it: whether a project exists is nobody's business. */
function badSignature(): ApiError {
  return new ApiError({
    status: 401,
    code: "unauthenticated",
    detail:
      "the signature is missing, older than five minutes, or by no key of the project that the body names",
    headers: { "www-authenticate": "X-Bucketbridge-Signature" },
  });
}

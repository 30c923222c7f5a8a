import { OperationLog } from "../s3-fake/operation-log.ts";
import { Accounts, type Caller } from "./accounts.ts";
import { GcsBucket } from "./bucket.ts";
import { failures, GcsFailure, XmlFailure } from "./failure.ts";
import { GcsFaultList } from "./faults.ts";
import { listObjects } from "./listing.ts";
import {
  checkConditions,
  mediaReply,
  readUpload,
  resourceReply,
  type ObjectCall,
} from "./objects.ts";
import type { GcsFakeOptions, GcsPermission } from "./options.ts";
import { jsonReply, textReply, type GcsReply } from "./reply.ts";
import type { GcsRequest } from "./request.ts";
import { verifySignedUrl } from "./signed-url.ts";

const IAM_SCOPES = [
  "https://www.googleapis.com/auth/cloud-platform",
  "https://www.googleapis.com/auth/iam",
];
const READ_SCOPES = [
  "https://www.googleapis.com/auth/cloud-platform",
  "https://www.googleapis.com/auth/devstorage.read_only",
  "https://www.googleapis.com/auth/devstorage.read_write",
  "https://www.googleapis.com/auth/devstorage.full_control",
];
const WRITE_SCOPES = READ_SCOPES.filter((scope) => !scope.endsWith("read_only"));

/** The services behind the fake's socket: storage, tokens, STS, IAM and the metadata server. */
export class GcsService {
  readonly buckets = new Map<string, GcsBucket>();
  readonly faults = new GcsFaultList();
  readonly log = new OperationLog();
  readonly accounts: Accounts;
  /** Raised to let all page tokens expire. */
  tokenEpoch = 0;
  readonly #options: GcsFakeOptions;

  constructor(options: GcsFakeOptions) {
    this.#options = options;
    this.accounts = new Accounts(options);
    for (const name of options.buckets ?? []) this.buckets.set(name, new GcsBucket(name));
  }

  /** Checks who asks and whether he may, then does what is asked. Throws `GcsFailure`. */
  handle(request: GcsRequest): GcsReply {
    const { operation, subject, query, headers, body } = request;
    switch (operation) {
      case "token":
        return jsonReply(200, this.accounts.grant(new URLSearchParams(body.toString())));
      case "exchange":
        return jsonReply(200, this.accounts.exchange(new URLSearchParams(body.toString())));
      case "generate_token":
      case "sign_blob":
        return this.#actAs(request, this.accounts.authenticate(headers.authorization));
      case "metadata": {
        if (headers["metadata-flavor"] !== "Google")
          throw new GcsFailure(403, "forbidden", "Missing Metadata-Flavor:Google header.");
        const answer = this.accounts.machine(subject, query.get("scopes"));
        return typeof answer === "string"
          ? textReply(200, answer, "application/text")
          : jsonReply(200, answer);
      }
      case "fetch":
        return this.#fetchSigned(request);
      default:
        return this.#store(request, this.accounts.authenticate(headers.authorization));
    }
  }

  #actAs({ operation, subject: email, body }: GcsRequest, caller: Caller): GcsReply {
    const isToken = operation === "generate_token";
    const permission = isToken
      ? "iam.serviceAccounts.getAccessToken"
      : "iam.serviceAccounts.signBlob";
    if (!caller.scopes.some((scope) => IAM_SCOPES.includes(scope)))
      throw new GcsFailure(403, "ACCESS_TOKEN_SCOPE_INSUFFICIENT", "Insufficient scopes.");
    const account = this.accounts.find(email);
    if (account === undefined)
      throw new GcsFailure(404, "notFound", "Not found; Gaia id not found for email " + email);
    const allowed = (isToken ? account.actors : (account.signers ?? account.actors)) ?? [];
    if (!allowed.includes(caller.principal))
      throw new GcsFailure(
        403,
        "IAM_PERMISSION_DENIED",
        `Permission '${permission}' denied on resource (or it may not exist).`,
      );
    const { scope = [], payload = "" } = JSON.parse(body.toString()) as {
      readonly scope?: readonly string[];
      readonly payload?: string;
    };
    if (!isToken) {
      const signedBlob = this.accounts.sign(email, Buffer.from(payload, "base64"));
      return jsonReply(200, { keyId: "system-managed", signedBlob: signedBlob.toString("base64") });
    }
    const seconds = this.#options.tokenSeconds ?? 3_600;
    const expireTime = new Date(this.accounts.nowMs + seconds * 1_000).toISOString();
    return jsonReply(200, { accessToken: this.accounts.issue(email, scope, seconds), expireTime });
  }

  #fetchSigned(request: GcsRequest): GcsReply {
    const { subject, key = "", query, headers } = request;
    if (!query.has("X-Goog-Signature"))
      throw new XmlFailure(403, "AccessDenied", "Anonymous caller does not have access.");
    const email = verifySignedUrl(request, {
      keyOf: (address) => this.accounts.publicKeyOf(address),
      nowMs: this.accounts.nowMs,
    });
    const object = this.buckets.get(subject)?.find(key);
    if (!this.#may(email, "get")) throw new XmlFailure(403, "AccessDenied", "Access denied.");
    if (object === undefined)
      throw new XmlFailure(404, "NoSuchKey", "The specified key does not exist.");
    return mediaReply(object, headers, query);
  }

  #store(request: GcsRequest, caller: Caller): GcsReply {
    const { operation, subject, query, key = "" } = request;
    const isWrite = operation === "insert" || operation === "delete";
    const scopes = isWrite ? WRITE_SCOPES : READ_SCOPES;
    if (!caller.scopes.some((scope) => scopes.includes(scope)))
      throw new GcsFailure(403, "insufficientPermissions", "Insufficient Permission");
    const bucket = this.buckets.get(subject);
    if (bucket === undefined) throw failures.noSuchBucket();
    const call: ObjectCall = { ...request, bucket, key };
    switch (operation) {
      case "list":
        this.#demand(caller, "list");
        return jsonReply(200, listObjects(bucket, query, this.tokenEpoch));
      case "insert":
        return this.#insert(call, caller);
      case "delete":
        return this.#delete(call, caller);
      default:
        return this.#read(call, caller, operation === "media");
    }
  }

  #read({ bucket, key, query, headers }: ObjectCall, caller: Caller, isMedia: boolean): GcsReply {
    this.#demand(caller, "get");
    const object = bucket.find(key);
    if (object === undefined) {
      // Who may not list is not told which objects exist.
      this.#demand(caller, "list");
      throw failures.noSuchObject(bucket.name, key);
    }
    checkConditions(query, object);
    return isMedia ? mediaReply(object, headers, query) : resourceReply(bucket, object, query);
  }

  #insert(call: ObjectCall, caller: Caller): GcsReply {
    const { bucket, query } = call;
    this.#demand(caller, "create");
    const { key, contentType, bytes } = readUpload(call);
    const kmsKeyName = query.get("kmsKeyName") ?? undefined;
    if (kmsKeyName !== undefined && this.#options.kmsKeys?.includes(kmsKeyName) === false)
      throw failures.invalid("Permission denied on Cloud KMS key. Please ensure that it exists.");
    const existing = bucket.find(key);
    checkConditions(query, existing);
    if (existing !== undefined) this.#demand(caller, "delete");
    const object = bucket.put(key, bytes, { contentType, kmsKeyName });
    this.log.add({ kind: "put", bucket: bucket.name, key, body: bytes });
    return resourceReply(bucket, object, query);
  }

  #delete({ bucket, key, query }: ObjectCall, caller: Caller): GcsReply {
    this.#demand(caller, "delete");
    const object = bucket.find(key);
    if (object === undefined) throw failures.noSuchObject(bucket.name, key);
    checkConditions(query, object);
    bucket.delete(key);
    this.log.add({ kind: "delete", bucket: bucket.name, key });
    return { status: 204, headers: {}, length: 0, chunks: [] };
  }

  #demand({ principal }: Caller, permission: GcsPermission): void {
    if (!this.#may(principal, permission))
      throw failures.forbidden(principal, `storage.objects.${permission}`);
  }

  #may(principal: string, permission: GcsPermission): boolean {
    const account = this.accounts.find(principal);
    const isUser = this.#options.users?.some(({ email }) => email === principal) === true;
    return isUser || (account !== undefined && (account.allow?.includes(permission) ?? true));
  }
}

import { Bucket } from "./bucket.ts";
import { failures, S3Failure } from "./failure.ts";
import { FaultList, type ActiveFault } from "./faults.ts";
import { parseListQuery, renderPage } from "./listing.ts";
import { checkPutConditions, getObject, putObject, type ObjectRequest } from "./object-handlers.ts";
import { OperationLog } from "./operation-log.ts";
import {
  DEFAULT_ACCESS_KEY,
  type S3AccessKey,
  type S3FakeOptions,
  type S3Latency,
} from "./options.ts";
import { emptyReply, xmlReply, type Reply } from "./reply.ts";
import { PERMISSIONS, type S3Request } from "./request.ts";
import { verifySignature, type Signed } from "./sigv4.ts";
import { escapeXml } from "./xml.ts";

/** The store behind the fake's socket: buckets, keys, faults and the log. */
export class S3Service {
  readonly buckets = new Map<string, Bucket>();
  readonly faults = new FaultList();
  readonly log: OperationLog;
  readonly region: string;
  readonly accessKeys: S3AccessKey[];
  latencyMs: S3Latency;
  /** Raised to let all continuation tokens expire. */
  tokenEpoch = 0;
  readonly #now: () => number;

  constructor(options: S3FakeOptions) {
    this.region = options.region ?? "us-east-1";
    this.accessKeys = [...(options.accessKeys ?? [DEFAULT_ACCESS_KEY])];
    this.latencyMs = options.latencyMs ?? {};
    this.log = new OperationLog(options.describe);
    this.#now = options.now ?? Date.now;
    for (const bucket of options.buckets ?? []) {
      const settings = typeof bucket === "string" ? { name: bucket } : bucket;
      this.buckets.set(settings.name, new Bucket(settings, this.region));
    }
  }

  /** Checks signature, region and permission, then does what is asked. Throws `S3Failure`. */
  handle(request: S3Request, fault: ActiveFault | undefined): Reply {
    if (request.operation === "preflight") return this.#preflight(request);
    const signed = verifySignature(request, this.accessKeys, {
      nowMs: this.#now(),
      service: "s3",
    });
    const bucket = this.buckets.get(request.bucket);
    if (bucket === undefined) throw failures.noSuchBucket(request.bucket);
    this.#checkRegion(bucket, signed);
    const allowed = signed.accessKey.allow ?? ["list", "read", "write", "delete"];
    const permission = PERMISSIONS[request.operation];
    const key = request.key === "" ? (request.query.get("prefix") ?? "") : request.key;
    const isAllowed = signed.accessKey.mayDo?.({ permission, bucket: bucket.name, key }) ?? true;
    if (!allowed.includes(permission) || !isAllowed) throw failures.accessDenied();
    return this.#perform(bucket, request, { fault, mayList: allowed.includes("list") });
  }

  #perform(
    bucket: Bucket,
    request: S3Request,
    { fault, mayList }: { readonly fault: ActiveFault | undefined; readonly mayList: boolean },
  ): Reply {
    const target: ObjectRequest = { ...request, bucket, headers: request.message.headers };
    switch (request.operation) {
      case "list":
        return this.#list(bucket, request.query);
      case "head_bucket":
        return emptyReply(200, { "x-amz-bucket-region": bucket.region });
      case "location":
        return xmlReply(200, locationXml(bucket.region));
      case "get":
      case "head":
        // Who may not list is not told which keys exist.
        if (!mayList && bucket.find(request.key) === undefined) throw failures.accessDenied();
        return getObject(target);
      case "put":
        return this.#put(target, fault);
      case "preflight":
        return this.#preflight(request);
      case "delete":
        bucket.delete(request.key);
        this.log.add({ kind: "delete", bucket: bucket.name, key: request.key });
        return emptyReply(204);
    }
  }

  /** Unsigned, as browsers send it. */
  #preflight({ bucket: name, message }: S3Request): Reply {
    const { origin = "", "access-control-request-method": method } = message.headers;
    const allowed = this.buckets
      .get(name)
      ?.corsOrigins.find((one) => one === "*" || one === origin);
    if (allowed === undefined || (method !== "GET" && method !== "HEAD"))
      throw new S3Failure(403, "AccessForbidden", {
        message: "CORSResponse: This CORS request is not allowed.",
      });
    return emptyReply(200, {
      "access-control-allow-origin": allowed,
      "access-control-allow-methods": "GET, HEAD",
    });
  }

  #list(bucket: Bucket, parameters: URLSearchParams): Reply {
    const query = parseListQuery(parameters);
    if (bucket.preRendered === undefined)
      return xmlReply(200, renderPage(bucket, query, this.tokenEpoch));
    return xmlReply(200, bucket.preRendered.page(bucket.name, query, this.tokenEpoch));
  }

  #put(target: ObjectRequest, fault: ActiveFault | undefined): Reply {
    const { bucket, key, body } = target;
    const apply = (isLate: boolean): Reply => {
      checkPutConditions(target);
      const reply = putObject(target);
      this.log.add({ kind: "put", bucket: bucket.name, key, body, isLate });
      return reply;
    };
    if (fault?.fault.kind !== "late_apply") return apply(false);
    fault.hold(() => {
      try {
        apply(true);
      } catch (error) {
        // A condition that does not hold any more when the late write arrives: S3 would refuse it, and nobody hears.
        if (!(error instanceof S3Failure)) throw error;
      }
    });
    return emptyReply(200);
  }

  #checkRegion(bucket: Bucket, { region, presigned }: Signed): void {
    if (region === bucket.region) return;
    const headers = { "x-amz-bucket-region": bucket.region };
    if (presigned) {
      const message = `Error parsing the X-Amz-Credential parameter; the region '${region}' is wrong; expecting '${bucket.region}'`;
      throw new S3Failure(400, "AuthorizationQueryParametersError", {
        message,
        headers,
        extra: { Region: bucket.region },
      });
    }
    if (bucket.wrongRegion === "malformed") {
      const message = `The authorization header is malformed; the region '${region}' is wrong; expecting '${bucket.region}'`;
      throw new S3Failure(400, "AuthorizationHeaderMalformed", {
        message,
        headers,
        extra: { Region: bucket.region },
      });
    }
    throw new S3Failure(301, "PermanentRedirect", {
      message:
        "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.",
      headers,
      extra: { Endpoint: `${bucket.name}.s3.${bucket.region}.amazonaws.com`, Bucket: bucket.name },
    });
  }
}

function locationXml(region: string): string {
  const location = region === "us-east-1" ? "" : escapeXml(region);
  return `<?xml version="1.0" encoding="UTF-8"?>\n<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${location}</LocationConstraint>`;
}

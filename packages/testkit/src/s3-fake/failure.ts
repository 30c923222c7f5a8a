import { escapeXml } from "./xml.ts";

/** An error answer of the fake, as S3 words it. Its `extra` elements stand beside code and message. */
export class S3Failure extends Error {
  readonly status: number;
  readonly code: string;
  readonly extra: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: string,
    more: {
      readonly message?: string;
      readonly extra?: Readonly<Record<string, string>>;
      readonly headers?: Readonly<Record<string, string>>;
    } = {},
  ) {
    super(more.message ?? code);
    this.status = status;
    this.code = code;
    this.extra = more.extra ?? {};
    this.headers = more.headers ?? {};
  }

  /** The document that S3 sends with it. */
  toXml(): string {
    const extra = Object.entries(this.extra).map(
      ([name, text]) => `<${name}>${escapeXml(text)}</${name}>`,
    );
    return (
      `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${this.code}</Code><Message>${escapeXml(this.message)}</Message>` +
      `${extra.join("")}<RequestId>FAKE0000REQUEST</RequestId><HostId>fake-host</HostId></Error>`
    );
  }
}

/** The answers that most handlers need. */
export const failures = {
  accessDenied: (message = "Access Denied") => new S3Failure(403, "AccessDenied", { message }),
  noSuchBucket: (bucket: string) =>
    new S3Failure(404, "NoSuchBucket", {
      message: "The specified bucket does not exist",
      extra: { BucketName: bucket },
    }),
  noSuchKey: (key: string) =>
    new S3Failure(404, "NoSuchKey", {
      message: "The specified key does not exist.",
      extra: { Key: key },
    }),
  preconditionFailed: (condition: string) =>
    new S3Failure(412, "PreconditionFailed", {
      message: "At least one of the pre-conditions you specified did not hold",
      extra: { Condition: condition },
    }),
  invalidArgument: (name: string, message: string) =>
    new S3Failure(400, "InvalidArgument", { message, extra: { ArgumentName: name } }),
};

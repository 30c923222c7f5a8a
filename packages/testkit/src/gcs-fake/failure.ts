import { jsonReply, textReply, type GcsReply } from "./reply.ts";

/** A refusal, as the JSON API words it. */
export class GcsFailure extends Error {
  readonly status: number;
  readonly reason: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    reason: string,
    message: string,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    this.status = status;
    this.reason = reason;
    this.headers = headers;
  }

  /** The document of storage and IAM. */
  toReply(): GcsReply {
    const { status: code, message, reason } = this;
    const error = { code, message, errors: [{ message, domain: "global", reason }] };
    return jsonReply(code, { error }, this.headers);
  }
}

/** A refusal as OAuth and STS word it. */
export class OauthFailure extends GcsFailure {
  override toReply(): GcsReply {
    return jsonReply(
      this.status,
      { error: this.reason, error_description: this.message },
      this.headers,
    );
  }
}

/** A refusal of the XML API, where signed URLs lead. */
export class XmlFailure extends GcsFailure {
  override toReply(): GcsReply {
    const xml = `<?xml version='1.0' encoding='UTF-8'?><Error><Code>${this.reason}</Code><Message>${this.message}</Message></Error>`;
    return textReply(this.status, xml, "application/xml; charset=UTF-8");
  }
}

/** The answers that most handlers need. */
export const failures = {
  noSuchBucket: () => new GcsFailure(404, "notFound", "The specified bucket does not exist."),
  noSuchObject: (bucket: string, key: string) =>
    new GcsFailure(404, "notFound", `No such object: ${bucket}/${key}`),
  forbidden: (who: string, permission: string) =>
    new GcsFailure(
      403,
      "forbidden",
      `${who} does not have ${permission} access to the Google Cloud Storage object. Permission '${permission}' denied on resource (or it may not exist).`,
    ),
  conditionNotMet: () =>
    new GcsFailure(
      412,
      "conditionNotMet",
      "At least one of the pre-conditions you specified did not hold.",
    ),
  invalid: (message: string) => new GcsFailure(400, "invalid", message),
};

import { escapeXml } from "../s3-fake/xml.ts";

/** An error as STS words it. */
export class StsFailure extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }

  /** The document that STS sends with it. */
  toXml(): string {
    return `<ErrorResponse xmlns="${NAMESPACE}"><Error><Type>Sender</Type><Code>${this.code}</Code><Message>${escapeXml(this.message)}</Message></Error><RequestId>fake-request</RequestId></ErrorResponse>`;
  }
}

/** Keys of a session with their end. */
export interface StsSession {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  readonly expiresAtMs: number;
}

const NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/";

/** The answer of `AssumeRole` and of `AssumeRoleWithWebIdentity`. */
export function sessionXml(action: string, session: StsSession, userArn: string): string {
  const expiration = new Date(session.expiresAtMs).toISOString().replace(/\.\d+Z$/, "Z");
  return resultXml(
    action,
    `<AssumedRoleUser><AssumedRoleId>AROAFAKE:${escapeXml(userArn.split("/").at(-1) ?? "")}</AssumedRoleId><Arn>${escapeXml(userArn)}</Arn></AssumedRoleUser>` +
      `<Credentials><AccessKeyId>${session.accessKeyId}</AccessKeyId><SecretAccessKey>${escapeXml(session.secretAccessKey)}</SecretAccessKey>` +
      `<SessionToken>${escapeXml(session.sessionToken)}</SessionToken><Expiration>${expiration}</Expiration></Credentials>`,
  );
}

/** The answer of `GetCallerIdentity`. */
export function identityXml(arn: string): string {
  const account = arn.split(":")[4] ?? "";
  return resultXml(
    "GetCallerIdentity",
    `<Arn>${escapeXml(arn)}</Arn><UserId>AIDAFAKE</UserId><Account>${account}</Account>`,
  );
}

function resultXml(action: string, inner: string): string {
  return `<${action}Response xmlns="${NAMESPACE}"><${action}Result>${inner}</${action}Result><ResponseMetadata><RequestId>fake-request</RequestId></ResponseMetadata></${action}Response>`;
}

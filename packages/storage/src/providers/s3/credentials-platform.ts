import { readFile } from "node:fs/promises";
import { AppError, untilAborted } from "@bucketbridge/core";
import type { AwsPlatform, PlatformAccess } from "../provider-deps.ts";
import { fetchContainerCredentials, fetchInstanceCredentials } from "./machine-credentials.ts";
import { fixedKeys, RenewedSession, type AwsSession, type CredentialSource } from "./sessions.ts";
import { toCallerError, toStsError } from "./sts-errors.ts";
import { assumeRole, assumeRoleByToken, getCallerArn, type StsPlace } from "./sts.ts";

const DEFAULT_REGION = "us-east-1";
/** AWS replaces what a machine gets at least this long before it ends. */
const RENEW_AHEAD_MS = 5 * 60_000;
/** Above what STS is given for an answer. */
const CALLER_TIMEOUT_MS = 10_000;
const FORMER_SESSION_NAME = "bucketbridge";

/** The platform's own principal at AWS. One per process, so that its sessions are shared. */
export class PlatformIdentity {
  readonly place: StsPlace;
  /** Signs calls of STS. Rejects with `s3s.no_platform_identity` where the platform has none. */
  readonly base: CredentialSource;
  readonly #aws: AwsPlatform;
  readonly #egress: PlatformAccess["egress"];
  #former: CredentialSource | undefined;
  #callerArn: Promise<string> | undefined;
  #formerArn: Promise<string> | undefined;

  constructor({ aws, egress }: PlatformAccess) {
    this.#aws = aws;
    this.#egress = egress;
    this.place = { egress, region: aws.region ?? DEFAULT_REGION, endpoint: aws.stsEndpoint };
    this.base =
      aws.keys === undefined
        ? new RenewedSession({
            open: (signal) => this.#openBase(signal),
            renewAheadMs: RENEW_AHEAD_MS,
          })
        : fixedKeys(aws.keys);
  }

  /** The principal before the current one. `invalid_config` where the operator has configured none. */
  former(): CredentialSource {
    const { formerKeys, formerRoleArn } = this.#aws;
    if (formerKeys !== undefined) return fixedKeys(formerKeys);
    if (formerRoleArn !== undefined) return (this.#former ??= this.#openFormer(formerRoleArn));
    throw new AppError({
      code: "invalid_config",
      reason: "s3s.no_former_principal",
      message:
        "this installation has no former AWS principal, so legacy_auth cannot be used; switch it off and name the current principal in the trust policy of the role",
    });
  }

  /**
   * The principal that customers name in a trust policy: as configured, else asked of STS once; of an assumed role, the
   * role. Rejects as `base` and with the errors of STS.
   */
  async principalArn(signal: AbortSignal): Promise<string> {
    if (this.#aws.principalArn !== undefined) return this.#aws.principalArn;
    this.#callerArn ??= this.#askCaller(this.base, () => {
      this.#callerArn = undefined;
    });
    return untilAborted(this.#callerArn, signal);
  }

  /** Whether `former` gives one. */
  get hasFormer(): boolean {
    return this.#aws.formerKeys !== undefined || this.#aws.formerRoleArn !== undefined;
  }

  /** As `principalArn`, of the principal before the current one. */
  async formerPrincipalArn(signal: AbortSignal): Promise<string> {
    const { formerKeys, formerRoleArn } = this.#aws;
    if (formerKeys === undefined && formerRoleArn !== undefined) return formerRoleArn;
    this.#formerArn ??= this.#askCaller(this.former(), () => {
      this.#formerArn = undefined;
    });
    return untilAborted(this.#formerArn, signal);
  }

  /** Several callers wait for one answer, so none of their signals may end the question. */
  async #askCaller(keys: CredentialSource, onFailure: () => void): Promise<string> {
    const signal = AbortSignal.timeout(CALLER_TIMEOUT_MS);
    try {
      return toPrincipalArn(await getCallerArn(this.place, keys, signal));
    } catch (error) {
      onFailure();
      throw toCallerError(signal.aborted ? signal.reason : error);
    }
  }

  async #openBase(signal: AbortSignal): Promise<AwsSession> {
    const { webIdentity, container, metadataEndpoint } = this.#aws;
    if (webIdentity !== undefined) {
      const { roleArn, sessionName, tokenFile } = webIdentity;
      try {
        const token = (await readFile(tokenFile, "utf8")).trim();
        return await assumeRoleByToken(this.place, { roleArn, sessionName, token }, signal);
      } catch (error) {
        throw toStsError(error, { roleArn, principalArn: undefined, externalId: undefined });
      }
    }
    if (container !== undefined) return fetchContainerCredentials(this.#egress, container, signal);
    if (metadataEndpoint === undefined) throw noIdentity();
    return fetchInstanceCredentials(this.#egress, metadataEndpoint, signal).catch(
      (error: unknown) => {
        throw noIdentity(error);
      },
    );
  }

  #openFormer(roleArn: string): CredentialSource {
    const request = { roleArn, sessionName: FORMER_SESSION_NAME };
    return new RenewedSession({
      renewAheadMs: RENEW_AHEAD_MS,
      open: async (signal) => {
        try {
          return await assumeRole(this.place, this.base, request, signal);
        } catch (error) {
          throw toStsError(error, { roleArn, principalArn: undefined, externalId: undefined });
        }
      },
    });
  }
}

const IDENTITIES = new WeakMap<PlatformAccess, PlatformIdentity>();

/** The identity behind what a process was made with, the same one every time. */
export function platformIdentity(platform: PlatformAccess): PlatformIdentity {
  const known = IDENTITIES.get(platform) ?? new PlatformIdentity(platform);
  IDENTITIES.set(platform, known);
  return known;
}

/** `arn:aws:sts::1:assumed-role/name/session` becomes `arn:aws:iam::1:role/name`, which outlives the session. */
function toPrincipalArn(callerArn: string): string {
  const match = /^(arn:aws[a-z-]*):sts::(\d*):assumed-role\/([^/]+)\//.exec(callerArn);
  if (match === null) return callerArn;
  const [, head = "", account = "", role = ""] = match;
  return `${head}:iam::${account}:role/${role}`;
}

function noIdentity(cause?: unknown): AppError {
  return new AppError({
    code: "invalid_config",
    reason: "s3s.no_platform_identity",
    message:
      "this installation has no AWS principal of its own, so it cannot assume roles; its operator sets BUCKETBRIDGE_AWS_ACCESS_KEY_ID and BUCKETBRIDGE_AWS_SECRET_ACCESS_KEY, or runs it with a role",
    cause,
  });
}

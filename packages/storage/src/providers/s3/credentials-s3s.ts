import { createHash } from "node:crypto";
import { AppError, Secret } from "@bucketbridge/core";
import type { PlatformAccess, ProviderDeps, StorageContext } from "../provider-deps.ts";
import { platformIdentity, type PlatformIdentity } from "./credentials-platform.ts";
import { toSessionPolicy } from "./session-policy.ts";
import { fixedKeys, RenewedSession, type AwsSession, type CredentialSource } from "./sessions.ts";
import type { S3sSettings } from "./settings-s3s.ts";
import { textOf } from "./settings.ts";
import { toStsError } from "./sts-errors.ts";
import { assumeRole, type AssumeRoleRequest } from "./sts.ts";

/** Of a session's fifteen minutes: a URL signed with it lives ten at least. */
const RENEW_AHEAD_MS = 10 * 60_000;
/** Sessions of storages that had work lately. */
const MAX_SESSIONS = 1_000;

interface Role {
  readonly identity: PlatformIdentity;
  /** The principal that assumes it: the platform's, its former one, or the user's own key pair. */
  readonly base: CredentialSource;
  readonly isPlatform: boolean;
  readonly request: AssumeRoleRequest;
  readonly cacheKey: string;
}

/**
 * The session of a storage: the customer's role, assumed with the organisation's external id and limited to the storage's
 * bucket and prefix. Storages that are opened again share it until it is renewed. Throws `invalid_config` for an external
 * id that is not the organisation's, which nobody may choose: it is what keeps one customer out of another's role.
 */
export function roleCredentials(
  settings: S3sSettings,
  deps: Pick<ProviderDeps, "platform">,
  context: StorageContext,
): CredentialSource {
  const role = toRole(settings, deps.platform, context);
  const sessions = sessionsOf(deps.platform);
  const known = sessions.get(role.cacheKey);
  const session =
    known ??
    new RenewedSession({ renewAheadMs: RENEW_AHEAD_MS, open: (signal) => open(role, signal) });
  sessions.delete(role.cacheKey);
  sessions.set(role.cacheKey, session);
  const [oldest] = sessions.keys();
  if (sessions.size > MAX_SESSIONS && oldest !== undefined) sessions.delete(oldest);
  return session;
}

/**
 * Whether the role can also be assumed without the external id, which would let every customer of this installation in who
 * learns its name. Anything but a clear yes is no.
 */
export async function isAssumableByAnyone(
  settings: S3sSettings,
  deps: Pick<ProviderDeps, "platform">,
  context: StorageContext,
  signal: AbortSignal,
): Promise<boolean> {
  const { identity, base, isPlatform, request } = toRole(settings, deps.platform, context);
  if (!isPlatform) return false;
  const bare = { ...request, externalId: undefined };
  return assumeRole(identity.place, base, bare, signal).then(
    () => true,
    () => false,
  );
}

async function open(role: Role, signal: AbortSignal): Promise<AwsSession> {
  const { identity, base, request } = role;
  try {
    return await assumeRole(identity.place, base, request, signal);
  } catch (error) {
    const { roleArn, externalId } = request;
    const principalArn = role.isPlatform
      ? await identity.principalArn(signal).catch(() => undefined)
      : "the owner of the access key";
    throw toStsError(error, { roleArn, externalId, principalArn, hasOwnKeys: !role.isPlatform });
  }
}

function toRole(settings: S3sSettings, platform: PlatformAccess, context: StorageContext): Role {
  const { organizationId, organizationExternalId: externalId, storageId } = context;
  const named = textOf(settings.external_id);
  if (named !== undefined && named !== externalId) throw foreignExternalId();
  const identity = platformIdentity(platform);
  const own = ownKeys(settings);
  const request = {
    roleArn: settings.role_arn,
    sessionName: `bucketbridge-${String(organizationId)}-${storageId === undefined ? "new" : String(storageId)}`,
    externalId,
    policy: toPolicy(settings, context),
  };
  const isFormer = settings.legacy_auth === true;
  return {
    identity,
    request,
    base: own ?? (isFormer ? identity.former() : identity.base),
    isPlatform: own === undefined,
    cacheKey: digest([
      request,
      isFormer,
      textOf(settings.aws_access_key_id),
      textOf(settings.aws_secret_access_key),
      textOf(settings.aws_session_token),
    ]),
  };
}

function toPolicy(
  settings: S3sSettings,
  { prefix, direction }: StorageContext,
): string | undefined {
  const bucket = textOf(settings.bucket);
  const partition = settings.role_arn.split(":")[1] ?? "aws";
  const isAws = textOf(settings.s3_endpoint) === undefined;
  return bucket && toSessionPolicy({ bucket, prefix, direction, partition, isAws });
}

/** The contract has fields for keys that stand in for the platform's principal. */
function ownKeys(settings: S3sSettings): CredentialSource | undefined {
  const accessKeyId = textOf(settings.aws_access_key_id);
  const secretAccessKey = textOf(settings.aws_secret_access_key);
  if (accessKeyId === undefined || secretAccessKey === undefined) return undefined;
  const token = textOf(settings.aws_session_token);
  return fixedKeys({
    accessKeyId,
    secretAccessKey: new Secret(secretAccessKey),
    sessionToken: token === undefined ? undefined : new Secret(token),
  });
}

const SESSIONS = new WeakMap<PlatformAccess, Map<string, RenewedSession>>();

function sessionsOf(platform: PlatformAccess): Map<string, RenewedSession> {
  const known = SESSIONS.get(platform) ?? new Map<string, RenewedSession>();
  SESSIONS.set(platform, known);
  return known;
}

/** Names a session without holding the secrets that it depends on. */
function digest(parts: readonly unknown[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}

function foreignExternalId(): AppError {
  return new AppError({
    code: "invalid_config",
    reason: "s3s.external_id",
    message:
      "external_id is not that of your organisation; leave it out, and put your organisation's (GET /api/v1/platform) into the trust policy of the role",
  });
}

export {
  createDatabase,
  withPgClient,
  type Database,
  type DatabaseOptions,
  type Transaction,
  type TransactionOptions,
} from "./client.ts";
export { KeyRing, type SecretFields, type SecretOwner } from "./secrets/key-ring.ts";
export { deployMigrations, type DeployOptions, type DeployResult } from "./migrate/deploy.ts";
export { readMigrationStatus, type MigrationStatus } from "./migrate/status.ts";
export {
  createTokenRepository,
  type NewRefreshToken,
  type RefreshClaims,
  type RefreshState,
  type TokenHolder,
  type TokenRepository,
} from "./repositories/tokens.ts";
export {
  createUserRepository,
  type Member,
  type OwnerSeed,
  type TokenSettings,
  type UserRepository,
} from "./repositories/users.ts";

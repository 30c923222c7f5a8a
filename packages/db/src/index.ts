export {
  createDatabase,
  withPgClient,
  type Database,
  type DatabaseOptions,
  type Transaction,
  type TransactionOptions,
} from "./client.ts";
export { KeyRing, type SecretFields, type SecretOwner } from "./secrets/key-ring.ts";

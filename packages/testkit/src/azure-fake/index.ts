export { startAzureFake, type AzureFake } from "./azure-fake.ts";
export type { AzureFault, AzureFaultKind } from "./faults.ts";
export {
  DEFAULT_ACCOUNT,
  type AzureAccount,
  type AzureFakeOptions,
  type AzureIdentity,
  type AzureOperation,
  type AzurePermission,
} from "./options.ts";

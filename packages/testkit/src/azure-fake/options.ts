import type { Certificate } from "../self-signed.ts";

/** What a request asks for. */
export type AzureOperation = "list" | "get" | "head" | "put" | "delete" | "delegation_key";

/** What an identity may do. `delegate`: sign URLs. */
export type AzurePermission = "list" | "read" | "write" | "delete" | "delegate";

/** A storage account that the fake knows. */
export interface AzureAccount {
  readonly name: string;
  /** Base64. */
  readonly key: string;
  /** False: it takes tokens alone, as accounts do whose owner has turned keys off. */
  readonly allowsKeys?: boolean | undefined;
}

/** The roles of an app registration. */
export interface AzureIdentity {
  readonly clientId: string;
  readonly allow: readonly AzurePermission[];
}

/** How the fake starts. */
export interface AzureFakeOptions {
  /** A free port when absent. */
  readonly port?: number | undefined;
  /** One account with a key when absent. */
  readonly accounts?: readonly AzureAccount[] | undefined;
  /** Containers of the first account. */
  readonly containers?: readonly string[] | undefined;
  readonly identities?: readonly AzureIdentity[] | undefined;
  /** Present: TLS, without which the SDK sends no token. */
  readonly certificate?: Certificate | undefined;
  /** The clock by which signatures and tokens expire. */
  readonly now?: (() => number) | undefined;
}

/** The account that exists when nobody names others. */
export const DEFAULT_ACCOUNT: AzureAccount = {
  name: "fakeaccount",
  key: Buffer.from("the key of an account that only tests have").toString("base64"),
};

/** Permission that each operation needs. */
export const PERMISSIONS: Readonly<Record<AzureOperation, AzurePermission>> = {
  list: "list",
  get: "read",
  head: "read",
  put: "write",
  delete: "delete",
  delegation_key: "delegate",
};

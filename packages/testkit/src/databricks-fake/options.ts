/** What a request asks for. `token` is either of the two token endpoints. */
export type DatabricksOperation =
  "list" | "head_directory" | "make_directory" | "get" | "head" | "put" | "delete" | "token";

/** What a principal may do: `list` covers the look-up of directories, `write` also making them. */
export type DatabricksPermission = "list" | "read" | "write" | "delete";

/** Somebody the workspace knows. */
export interface DatabricksPrincipal {
  /** Everything when absent. */
  readonly allow?: readonly DatabricksPermission[] | undefined;
}

/** A personal access token. */
export interface DatabricksToken extends DatabricksPrincipal {
  readonly token: string;
}

/** A service principal: of Databricks itself, or of a directory (tenant) of Azure. */
export interface DatabricksClient extends DatabricksPrincipal {
  readonly clientId: string;
  readonly clientSecret: string;
  /** Present: its tokens come from `/{tenant}/oauth2/v2.0/token`; absent: from `/oidc/v1/token`. */
  readonly tenantId?: string | undefined;
  /** True: Azure says that the secret has expired. */
  readonly isSecretExpired?: boolean | undefined;
}

/** How the fake starts. */
export interface DatabricksFakeOptions {
  /** `catalog/schema/volume` of each volume. */
  readonly volumes?: readonly string[] | undefined;
  /** One token that may do everything when absent. */
  readonly tokens?: readonly DatabricksToken[] | undefined;
  readonly clients?: readonly DatabricksClient[] | undefined;
  /** Life of the tokens that the token endpoints give out; an hour when absent. */
  readonly tokenSeconds?: number | undefined;
  /** Serves https with a certificate that nobody signed. */
  readonly tls?: boolean | undefined;
  /** Entries of a page are at most half of what was asked for: the service says that pages may be short. */
  readonly shortPages?: boolean | undefined;
  /** False: a file can be written only into a directory that exists. */
  readonly implicitParents?: boolean | undefined;
  /** The clock of the files. */
  readonly now?: (() => number) | undefined;
}

/** The token that exists when nobody names others. */
export const DEFAULT_TOKEN: DatabricksToken = { token: "dapi00000000000000000000000000fake" };

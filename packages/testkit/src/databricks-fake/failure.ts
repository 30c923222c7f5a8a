/** An error answer of the fake, as the workspace words it. */
export class DatabricksFailure extends Error {
  readonly status: number;
  readonly errorCode: string;
  readonly reason: string | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    errorCode: string,
    more: {
      readonly message?: string | undefined;
      /** Of the `ErrorInfo` in `details`. */
      readonly reason?: string | undefined;
      readonly headers?: Readonly<Record<string, string>> | undefined;
    } = {},
  ) {
    super(more.message ?? errorCode);
    this.status = status;
    this.errorCode = errorCode;
    this.reason = more.reason;
    this.headers = more.headers ?? {};
  }

  /** The document that is sent with it. */
  toJson(): string {
    const details =
      this.reason === undefined
        ? []
        : [
            {
              "@type": "type.googleapis.com/google.rpc.ErrorInfo",
              reason: this.reason,
              domain: "filesystem.databricks.com",
            },
          ];
    return JSON.stringify({ error_code: this.errorCode, message: this.message, details });
  }
}

/** An answer of a token endpoint, as OAuth words it. */
export class OAuthFailure extends Error {
  readonly status: number;
  readonly error: string;

  constructor(status: number, error: string, description: string) {
    super(description);
    this.status = status;
    this.error = error;
  }

  /** The document that is sent with it. */
  toJson(): string {
    return JSON.stringify({ error: this.error, error_description: this.message });
  }
}

import { escapeXml } from "./xml.ts";

/** An error answer of the fake, as Azure words it. */
export class AzureFailure extends Error {
  readonly status: number;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: string,
    more: {
      readonly message?: string;
      readonly headers?: Readonly<Record<string, string>> | undefined;
    } = {},
  ) {
    super(more.message ?? code);
    this.status = status;
    this.code = code;
    this.headers = more.headers ?? {};
  }

  /** The document that Azure sends with it. */
  toXml(): string {
    return `<?xml version="1.0" encoding="utf-8"?><Error><Code>${this.code}</Code><Message>${escapeXml(this.message)}\nRequestId:fake\nTime:${new Date().toISOString()}</Message></Error>`;
  }
}

/** The answers that most handlers need. */
export const failures = {
  authentication: (message = "Make sure the value of Authorization header is formed correctly.") =>
    new AzureFailure(403, "AuthenticationFailed", {
      message: `Server failed to authenticate the request. ${message}`,
    }),
  permission: () =>
    new AzureFailure(403, "AuthorizationPermissionMismatch", {
      message: "This request is not authorized to perform this operation using this permission.",
    }),
  containerNotFound: () =>
    new AzureFailure(404, "ContainerNotFound", {
      message: "The specified container does not exist.",
    }),
  blobNotFound: () =>
    new AzureFailure(404, "BlobNotFound", { message: "The specified blob does not exist." }),
  conditionNotMet: () =>
    new AzureFailure(412, "ConditionNotMet", {
      message: "The condition specified using HTTP conditional header(s) is not met.",
    }),
};

import type { GcpEndpoints, GcpPlatform } from "../provider-deps.ts";

/** Where each of Google's services is. */
export type Endpoints = Readonly<Record<keyof GcpEndpoints, string>>;

const GOOGLE: Endpoints = {
  storage: "https://storage.googleapis.com",
  token: "https://oauth2.googleapis.com/token",
  sts: "https://sts.googleapis.com/v1/token",
  iamCredentials: "https://iamcredentials.googleapis.com",
  metadata: "http://metadata.google.internal",
};

/** Google's public endpoints, each replaced by the operator's where he named one. A user can name none. */
export function endpointsOf({ endpoints = {} }: GcpPlatform): Endpoints {
  const pick = (name: keyof GcpEndpoints): string =>
    (endpoints[name] ?? GOOGLE[name]).replace(/\/$/, "");
  return {
    storage: pick("storage"),
    token: pick("token"),
    sts: pick("sts"),
    iamCredentials: pick("iamCredentials"),
    metadata: pick("metadata"),
  };
}

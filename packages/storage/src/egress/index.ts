export { createEgress, type EgressOptions } from "./create-egress.ts";
export type { Egress } from "./egress.ts";
export type { ServiceAddress } from "./own-services.ts";
export { isEgressRefusal } from "./refusal.ts";
export { isSameServer } from "./same-server.ts";
export type { Resolver } from "./resolver.ts";

import type { ProjectPart, TokenScope } from "@bucketbridge/db";
import type { FastifyRequest, RouteOptions } from "fastify";
import { notAuthenticated } from "./api-error.ts";
import type { Permission, Role } from "./permissions.ts";

/** Who makes a request, and in which organisation. */
export interface Identity {
  readonly userId: number;
  readonly organizationId: number;
  readonly role: Role;
  readonly email: string;
  /** The opaque token that the caller showed; absent for access tokens and sessions. */
  readonly tokenId?: number;
  /** What a service token is limited to; absent: nothing less than the role. */
  readonly scope?: TokenScope;
}

/** What the `id` of a path names. */
export type PathSubject = ProjectPart | "organization" | "person" | "own";

declare module "fastify" {
  interface FastifyRequest {
    /** Set by the auth plugin; null only on public routes. Read it through `identityOf`. */
    identity: Identity | null;
    /** True when the caller asked for what lies in a project that they do not see. */
    isOutsideProject: boolean;
  }
  interface FastifyInstance {
    /** Every route with what it declares, for tests that must not forget one. */
    routeTable: readonly RouteOptions[];
  }
  interface FastifyContextConfig {
    /** What the caller must be allowed to do. Every route has this or `public`. */
    permission?: Permission;
    /**
     * What the `id` of the path names: the caller's organisation, or what people of some roles see only as members of its
     * project, or as the person themselves. Anything else is 404 before a handler runs. `own`: what the caller made, which
     * the handler sees to.
     */
    within?: PathSubject;
    /** No identity is asked for. */
    public?: true;
    /** Of a public route. probe: asked by machines all the time; signed: the request carries credentials of another kind. */
    rate?: "probe" | "signed";
    /** A page: the scope itself asks who calls, and sends browsers to the sign-in. */
    scheme?: "page";
  }
}

/** The identity of a request on a route that is not public. */
export function identityOf(request: FastifyRequest): Identity {
  if (request.identity === null) throw notAuthenticated();
  return request.identity;
}

import type { Clock, Secret } from "@bucketbridge/core";
import {
  createProjectRepository,
  createTokenRepository,
  createUserRepository,
  type Database,
  type ProjectRepository,
  type TokenRepository,
  type UserRepository,
} from "@bucketbridge/db";
import type { FastifyBaseLogger } from "fastify";

/** Values of the configuration that the application uses, already checked. */
export interface ApiSettings {
  /** Version of this program. */
  readonly version: string;
  /** Prefix of resolve URLs and local-file references: "" or `https://host`, without a slash at the end. */
  readonly hostPrefix: string;
  /** Believe `X-Forwarded-*` of the proxy in front. */
  readonly trustProxy: boolean;
  readonly maxBodyBytes: number;
  /** Signs personal tokens with the first key and takes all of them. */
  readonly tokenKeys: readonly Secret[];
}

/** What the handlers know of the database. */
export interface Repositories {
  readonly users: UserRepository;
  readonly tokens: TokenRepository;
  readonly projects: ProjectRepository;
}

/** Everything that the application is built from. Tests give real repositories on a database of their own. */
export interface ApiDeps extends Repositories {
  readonly settings: ApiSettings;
  readonly log: FastifyBaseLogger;
  readonly clock: Clock;
}

/** All repositories over one database. */
export function createRepositories(database: Database): Repositories {
  return {
    users: createUserRepository(database),
    tokens: createTokenRepository(database),
    projects: createProjectRepository(database),
  };
}

import { Secret } from "@bucketbridge/core";
import { textOf, type RedisSettings } from "./settings.ts";

/** How a session says who it is; undefined: it says nothing. There is no ambient password. */
export interface RedisCredentials {
  /** Undefined: the server's default user. */
  readonly username: string | undefined;
  readonly password: Secret;
}

/** The storage's own user and password. */
export function resolveCredentials(settings: RedisSettings): RedisCredentials | undefined {
  const username = textOf(settings.username);
  const password = textOf(settings.password);
  if (username === undefined && password === undefined) return undefined;
  // A user may be declared without a password; AUTH wants one anyway.
  return { username, password: new Secret(password ?? "") };
}

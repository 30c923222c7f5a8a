import type { z } from "zod";

/** What people read about one variable; `docs/configuration.md` and `.env.example` are made from it. */
export interface VariableInfo {
  /** Name in the environment. */
  readonly env: string;
  /**
   * A name of the contract: looked up as `LABEL_STUDIO_<env>`, `HEARTEX_<env>` and `<env>`, in this order (ls-api §7.7).
   * Its own prefix is never written into `env`.
   */
  readonly contract?: true;
  /** As it would be written in the environment; absent: the value is required or stays undefined. */
  readonly default?: string;
  /** Shown instead of `default` where the value depends on something else. */
  readonly defaultText?: string;
  /** One sentence without a full stop. */
  readonly meaning: string;
  readonly secret?: true;
}

/**
 * One part of the configuration. `schema` reads texts: a blank variable arrives as `undefined`, after the default was
 * filled in. Its keys are those of `variables`.
 */
export interface Slice<Schema extends z.ZodObject = z.ZodObject> {
  readonly name: string;
  readonly schema: Schema;
  readonly variables: Readonly<Record<Extract<keyof Schema["shape"], string>, VariableInfo>>;
}

/** Keeps the precise types of a slice. */
export function defineSlice<Schema extends z.ZodObject>(slice: Slice<Schema>): Slice<Schema> {
  return slice;
}

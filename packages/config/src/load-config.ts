import { AppError } from "@bucketbridge/core";
import type { z } from "zod";
import { findUnknownVariables } from "./describe-config.ts";
import type { Slice, VariableInfo } from "./slice.ts";

/** Variables by name, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What `loadConfig` gives for a set of slices. */
export type ConfigOf<Slices extends Readonly<Record<string, Slice>>> = {
  readonly [Name in keyof Slices]: z.output<Slices[Name]["schema"]>;
};

/** Prefixes of the contract's names, in the order in which they are looked up. */
export const CONTRACT_PREFIXES = ["LABEL_STUDIO_", "HEARTEX_", ""] as const;

/**
 * Reads the slices that a process needs, once. A blank variable counts as unset. Throws one `invalid_config` that lists
 * every problem, a misspelt `BUCKETBRIDGE_…` name included; no message repeats the value of a secret.
 */
export function loadConfig<const Slices extends Readonly<Record<string, Slice>>>(
  slices: Slices,
  env: Environment,
): ConfigOf<Slices> {
  const problems: string[] = [];
  const entries = Object.entries(slices).map(([name, slice]) => {
    const result = readSlice(slice, env);
    problems.push(...result.problems);
    return [name, result.values] as const;
  });
  problems.push(...findUnknownVariables(Object.keys(env)));
  if (problems.length > 0) throw refusal(problems);
  return Object.fromEntries(entries) as ConfigOf<Slices>;
}

function refusal(problems: readonly string[]): AppError {
  const lines = [...new Set(problems)].map((problem) => `  ${problem}`);
  return new AppError({
    code: "invalid_config",
    op: "config.load",
    message: `the configuration cannot be used:\n${lines.join("\n")}`,
  });
}

interface SliceResult {
  readonly values: unknown;
  readonly problems: readonly string[];
}

function readSlice({ schema, variables }: Slice, env: Environment): SliceResult {
  const raw = Object.fromEntries(
    Object.entries(variables).map(([key, variable]) => [key, lookUp(variable, env)]),
  );
  const result = schema.safeParse(raw);
  if (result.success) return { values: result.data, problems: [] };
  const problems = result.error.issues.map((issue) => {
    const key = String(issue.path[0]);
    const variable = variables[key];
    if (variable === undefined) return issue.message;
    const isUnset = raw[key] === undefined && issue.code === "invalid_type";
    return `${variable.env} ${isUnset ? `is not set: ${variable.meaning}` : issue.message}`;
  });
  return { values: undefined, problems };
}

function lookUp(variable: VariableInfo, env: Environment): string | undefined {
  const names =
    variable.contract === true
      ? CONTRACT_PREFIXES.map((prefix) => prefix + variable.env)
      : [variable.env];
  const texts = names.map((name) => env[name]?.trim());
  return texts.find((text) => text !== undefined && text !== "") ?? variable.default;
}

import type { FastifyRequest } from "fastify";
import { notFound, type WireModel } from "../api-error.ts";

/** One query parameter; the last of several, as the contract reads them. */
export function queryValue(
  request: Pick<FastifyRequest, "query">,
  name: string,
): string | undefined {
  const value = (request.query as Readonly<Record<string, unknown>>)[name];
  const last: unknown = Array.isArray(value) ? value.at(-1) : value;
  return typeof last === "string" ? last : undefined;
}

/** All values of a parameter, commas and repetitions alike. */
export function queryList(
  request: Pick<FastifyRequest, "query">,
  name: string,
): readonly string[] | undefined {
  const value = (request.query as Readonly<Record<string, unknown>>)[name];
  if (value === undefined) return undefined;
  return [value]
    .flat()
    .flatMap((text) => (typeof text === "string" ? text.split(",") : []))
    .map((text) => text.trim())
    .filter((text) => text !== "");
}

/** Words that mean yes in a query; anything else, also nothing, is no. */
export function queryFlag(
  request: Pick<FastifyRequest, "query">,
  name: string,
  fallback = false,
): boolean {
  const value = queryValue(request, name);
  return value === undefined || value === ""
    ? fallback
    : ["1", "true", "yes", "on", "t", "y"].includes(value.toLowerCase());
}

/** Largest value of an `int` column: projects, storages, runs. */
const MAX_INT = 2 ** 31 - 1;

/** Digits that an `int` id can have; undefined for anything else, which matches no row. */
export function toIntId(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,10}$/.test(text) && Number(text) <= MAX_INT
    ? Number(text)
    : undefined;
}

/** Digits that a `bigint` id can have as a JavaScript number. */
export function toBigId(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,16}$/.test(text) && Number.isSafeInteger(Number(text))
    ? Number(text)
    : undefined;
}

/** A parameter of a path that names a row with an `int` id, or the contract's 404 of `model`. */
export function pathParameterId(
  request: Pick<FastifyRequest, "params">,
  name: string,
  model: WireModel,
): number {
  const id = toIntId((request.params as Readonly<Record<string, string | undefined>>)[name]);
  if (id === undefined) throw notFound(model);
  return id;
}

/** The `id` of a path, or the contract's 404 of `model`. Tasks, annotations and their like have `bigint` ids. */
export function pathId(
  request: Pick<FastifyRequest, "params">,
  model: WireModel,
  kind: "int" | "bigint" = "int",
): number {
  const text = (request.params as Readonly<Record<string, string | undefined>>)["id"];
  const id = kind === "int" ? toIntId(text) : toBigId(text);
  if (id === undefined) throw notFound(model);
  return id;
}

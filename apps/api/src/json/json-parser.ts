import type { FastifyInstance, FastifyRequest } from "fastify";
import { badRequest } from "../api-error.ts";
import { findConstant } from "./json-constants.ts";
import { toPythonParseError } from "./python-json-error.ts";

/** Hands over what a body says, or why it is no JSON. */
type ParseJson = (
  request: FastifyRequest,
  text: string,
  done: (error: Error | null, value?: unknown) => void,
) => void;

/** JSON, where an empty body counts as none. Objects that try to reach a prototype are refused. */
export function registerJsonParser(app: FastifyInstance): void {
  const parse = makeJsonParse(app);
  app.removeContentTypeParser("application/json");
  app.addContentTypeParser("application/json", { parseAs: "string" }, (request, body, done) => {
    parse(request, String(body), done);
  });
}

/** The same parse, for a scope that needs the bytes of the body as well. */
export function makeJsonParse(app: FastifyInstance): ParseJson {
  const parse = app.getDefaultJsonParser("error", "error");
  return (request, text, done) => {
    if (text.trim() === "") {
      done(null, undefined);
      return;
    }
    void parse(request, text, (error, value) => {
      if (error === null) done(null, value);
      else done(badRequest(`JSON parse error - ${explain(text)}`));
    });
  };
}

/** Fastify hides what the parser said, so it is asked again; it takes what was refused for the name of a property. */
function explain(text: string): string {
  try {
    JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError)
      return `${toPythonParseError(error, text)}${nameConstant(text)}`;
    throw error;
  }
  return "a property is named __proto__ or constructor";
}

/** NaN and its like are the one mistake that programs make: their place is named as people look for it. */
function nameConstant(text: string): string {
  const found = findConstant(text);
  if (found === undefined) return "";
  const place = found.path === "" ? "" : ` at ${found.path}`;
  return `; ${found.word}${place} is not a JSON value`;
}

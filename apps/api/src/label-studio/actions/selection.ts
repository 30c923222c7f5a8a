import type { TaskFilter } from "@bucketbridge/db";
import type { FastifyRequest } from "fastify";
import { bodyOf, isFields } from "../fields.ts";
import { queryValue } from "../query.ts";
import { parseJson, readConditions, refused, toIds } from "../tasks/query-filter.ts";

/** Ids that one selection may list. */
const MAX_IDS = 1_000_000;

/**
 * Which tasks an action is for: `query` of the address, else the body, each with `filters` and `selectedItems`. Without a
 * selection these are all that the filters let through, as the contract has it; a selection that names none is none.
 */
export function readSelection(request: Pick<FastifyRequest, "query" | "body">): TaskFilter {
  const query = parseJson(queryValue(request, "query"), "query") ?? bodyOf(request);
  if (!isFields(query)) throw refused("query", "it must be an object");
  const { filters, selectedItems } = query;
  return { ...readConditions(filters ?? {}), ...readItems(selectedItems ?? { all: true }) };
}

/** `{all: true, excluded}` or `{all: false, included}`; as text it is JSON. */
function readItems(selected: unknown): Pick<TaskFilter, "onlyIds" | "exceptIds"> {
  const items = typeof selected === "string" ? parseJson(selected, "selectedItems") : selected;
  if (!isFields(items)) throw refused("selectedItems", "it must be an object");
  if (items["all"] === true) return { exceptIds: toIds(items["excluded"], MAX_IDS) };
  return { onlyIds: toIds(items["included"], MAX_IDS) ?? [] };
}

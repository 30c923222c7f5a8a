import type { FastifyRequest } from "fastify";
import { invalidPage } from "../api-error.ts";
import { queryValue } from "./query.ts";

/** Which page, from 1, of how many rows. */
export interface PageRequest {
  readonly page: number;
  readonly pageSize: number;
  readonly offset: number;
}

/** Beyond it an offset means nothing. */
const MAX_PAGE = 10_000_000;

/** `page` and `page_size`; a size that is no positive number is the default, a page that is none is 404. */
export function readPage(
  request: Pick<FastifyRequest, "query">,
  sizes: { readonly default: number; readonly max: number },
): PageRequest {
  const page = positive(queryValue(request, "page") ?? "1");
  if (page === undefined || page > MAX_PAGE) throw invalidPage();
  const asked = positive(queryValue(request, "page_size") ?? "");
  const pageSize = Math.min(asked ?? sizes.default, sizes.max);
  return { page, pageSize, offset: (page - 1) * pageSize };
}

/** Links of the contract's paging: absolute, with every other parameter kept; the first page has no number. */
export function pageLinks(
  request: Pick<FastifyRequest, "url" | "protocol" | "host">,
  { page, pageSize }: PageRequest,
  total: number,
): { readonly next: string | null; readonly previous: string | null } {
  return {
    next: page * pageSize < total ? withPage(request, page + 1) : null,
    previous: page > 1 ? withPage(request, page - 1) : null,
  };
}

function withPage(
  request: Pick<FastifyRequest, "url" | "protocol" | "host">,
  page: number,
): string {
  const url = new URL(request.url, `${request.protocol}://${request.host}`);
  if (page === 1) url.searchParams.delete("page");
  else url.searchParams.set("page", String(page));
  return url.href;
}

function positive(text: string): number | undefined {
  const number = /^\d{1,9}$/.test(text.trim()) ? Number(text) : 0;
  return number > 0 ? number : undefined;
}

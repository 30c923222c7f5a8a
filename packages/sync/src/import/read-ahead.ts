/** Pages that are asked for before they are wanted. */
export interface ReadAhead<Page> {
  /** The next page in order; undefined behind the last one. Rejects with the listing's error, once, in its place. */
  next(): Promise<Page | undefined>;
}

/**
 * Keeps up to `depth` pages of a listing at hand or on their way, one request at a time, so that the store does not wait
 * for the database. Whoever stops early aborts the signal that `pages` were opened with: nobody else ends the request that
 * is on its way.
 */
export function readAhead<Page>(
  pages: AsyncGenerator<Page, void, undefined>,
  depth: number,
): ReadAhead<Page> {
  // A generator works off its `next` calls one after the other, in order; after an error the rest end empty.
  const ahead = Array.from({ length: depth }, () => ask(pages));
  return {
    next: async () => {
      const page = ahead.shift() ?? ask(pages);
      ahead.push(ask(pages));
      const { done, value } = await page;
      return done === true ? undefined : value;
    },
  };
}

/** An error is seen when the page is awaited, not as an unhandled rejection. */
function ask<Page>(
  pages: AsyncGenerator<Page, void, undefined>,
): Promise<IteratorResult<Page, void>> {
  const page = pages.next();
  page.catch(() => undefined);
  return page;
}

import { isAppError } from "@bucketbridge/core";
import { expect, it } from "vitest";
import { loadStatements, type Statements } from "../statements.ts";
import { cutStatements, type Cut } from "./cut-statements.ts";
import type { TestSetup } from "./test-database.ts";
import { makeWorld, TestWorker, type World } from "./world.ts";

/** A world and a worker in it whose statements may lack a guard. */
export interface Scene extends World {
  readonly worker: TestWorker;
  readonly statements: Statements;
}

/** Plays one rule: says whether it held. */
export type Scenario = (scene: Scene) => Promise<boolean>;

/**
 * Makes `guard(name, cuts, scenario)`, which shows a rule twice: it holds as designed, and it breaks when its guard is cut out of
 * the statement. The second test keeps the first one honest.
 */
export function makeGuard(test: TestSetup, storage: { readonly useBlobUrls?: boolean } = {}) {
  return (name: string, cuts: readonly Cut[], scenario: Scenario): void => {
    const play = async (statements: Statements): Promise<boolean> =>
      scenario(await makeScene(test, storage, statements));
    it(name, async () => {
      expect(await play(loadStatements())).toBe(true);
    });
    it(`${name}: not without its guard`, async () => {
      const held = await play(cutStatements(cuts)).catch(brokenByData);
      expect(held).toBe(false);
    });
  };
}

/** A world of its own. */
export async function makeScene(
  test: TestSetup,
  { useBlobUrls = false }: { readonly useBlobUrls?: boolean } = {},
  statements: Statements = loadStatements(),
): Promise<Scene> {
  const world = await makeWorld(test.db, { useBlobUrls });
  return { ...world, worker: new TestWorker(test.db, world, statements), statements };
}

/** A violated constraint also shows that the rule is broken; a statement that does not parse any more shows nothing. */
export function brokenByData(error: unknown): boolean {
  if (isAppError(error) && error.code !== "internal") return false;
  throw error;
}

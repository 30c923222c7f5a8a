import { AppError } from "@bucketbridge/core";
import { loadStatements, type StatementName, type Statements } from "../statements.ts";

/** One guard to take out of one statement. */
export interface Cut {
  readonly statement: StatementName;
  readonly from: string | RegExp;
  readonly to: string;
}

/** The statements with guards taken out, to see an invariant break without them. Throws when a cut does not apply. */
export function cutStatements(cuts: readonly Cut[]): Statements {
  const texts: Record<StatementName, string> = { ...loadStatements() };
  for (const { statement, from, to } of cuts) {
    const text = texts[statement].replace(from, () => to);
    if (text === texts[statement]) {
      throw new AppError({ code: "internal", message: `the cut does not apply to ${statement}` });
    }
    texts[statement] = text;
  }
  return texts;
}

import { isAppError } from "@bucketbridge/core";
import { compileUserPattern, type ControlTag, type ControlTags } from "@bucketbridge/sync";
import { readSavedConfig } from "../label-config/label-config.ts";

/** The control tags of a saved label config, as conversions need them. A `Repeater` makes numbered names of one. */
export function toControlTags(labelConfig: string): ControlTags {
  const variables = [...labelConfig.matchAll(/\sindexFlag\s*=\s*["']([^"']+)["']/g)].map(
    ([, variable = ""]) => variable,
  );
  const { controls } = readSavedConfig(labelConfig);
  return new Map(
    Object.entries(controls).map(([name, { type, to_name: objects }]) => {
      const used = variables.filter((variable) => objects.some((one) => one.includes(variable)));
      return [name, used.length === 0 ? { type } : { type, pattern: toPattern(name, used) }];
    }),
  );
}

/** As the original: the rest of the name counts as a pattern too. One that is none matches nothing but itself. */
function toPattern(name: string, variables: readonly string[]): ControlTag["pattern"] {
  const text = variables.reduce((pattern, variable) => pattern.replaceAll(variable, ".*"), name);
  try {
    const pattern = compileUserPattern(text);
    return { test: (given) => pattern.test(given), length: text.length };
  } catch (error) {
    if (isAppError(error)) return undefined;
    throw error;
  }
}

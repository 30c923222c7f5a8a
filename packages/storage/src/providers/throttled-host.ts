import type { ProviderDefinition } from "./definition.ts";
import type { SettingsValues } from "./location.ts";
import { listSettingsFields } from "./settings-fields.ts";

/** Which storages pause together when a store asks for fewer requests: see `ProviderDefinition.throttledHost`. */
export function throttledHost(definition: ProviderDefinition, settings: SettingsValues): string {
  const own = definition.throttledHost?.(settings);
  if (own !== undefined) return own;
  const hosts = listSettingsFields(definition.settings).flatMap(({ name, host }) => {
    const value = settings[name];
    return host && typeof value === "string" && value !== "" ? [toHost(value)] : [];
  });
  return hosts.length > 0 ? hosts.join(" ") : definition.describe(settings);
}

/** However the URL of an endpoint is written, it is one server. */
function toHost(value: string): string {
  return URL.parse(value)?.host ?? value.toLowerCase();
}

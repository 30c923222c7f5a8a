import { randomBytes } from "node:crypto";

/** A secret that a test plants and then looks for everywhere. */
export interface Canary {
  readonly value: string;
  /** How the value may look after somebody encoded it, by the name of the encoding. */
  readonly forms: ReadonlyMap<string, string>;
}

/** A shorter form would be found by chance. */
const MIN_FORM_CHARS = 8;

/** Makes a secret that occurs nowhere else. It holds `/`, `+` and `=`, so that encodings change it. */
export function makeCanary(label = "canary"): Canary {
  return toCanary(`${label}/${randomBytes(12).toString("hex")}+x=`);
}

/** Takes a value that the test did not choose, for example a generated token. */
export function toCanary(value: string): Canary {
  const forms = new Map([
    ["plain", value],
    ["url", encodeURIComponent(value)],
    ["form", new URLSearchParams({ v: value }).toString().slice(2)],
    ["json", JSON.stringify(value).slice(1, -1)],
    ["hex", Buffer.from(value).toString("hex")],
  ]);
  // Base64 of a longer text holds one of three forms, by where the value begins; the ends depend on the neighbours.
  for (const lead of [0, 1, 2]) {
    const encoded = Buffer.concat([Buffer.alloc(lead), Buffer.from(value)]).toString("base64");
    const inner = encoded.slice(lead === 0 ? 0 : 4, -4);
    forms.set(`base64+${String(lead)}`, inner);
    forms.set(`base64url+${String(lead)}`, inner.replaceAll("+", "-").replaceAll("/", "_"));
  }
  return { value, forms: new Map([...forms].filter(([, form]) => form.length >= MIN_FORM_CHARS)) };
}

/** Names of the forms of the canary that occur in `text`; empty is what a test wants. */
export function findCanary(text: string | Uint8Array, canary: Canary): string[] {
  const haystack = typeof text === "string" ? text : Buffer.from(text).toString("latin1");
  return [...canary.forms].filter(([, form]) => haystack.includes(form)).map(([name]) => name);
}

import type { z } from "zod";

/** What one provider field is for, as its `.meta()` says (see `ProviderDefinition`). */
export interface SettingsField {
  readonly name: string;
  /** What a caller may send for it before the schema looks at it. */
  readonly kind: "text" | "number" | "boolean" | "other";
  /** Encrypted at rest, never in a response. */
  readonly secret: boolean;
  /** A secret that belongs to the others, such as a session token: when they change without it, it is gone. */
  readonly session: boolean;
  /** A change starts a new location. */
  readonly location: boolean;
  /** A change demands the secrets again. */
  readonly host: boolean;
}

interface FieldMeta {
  readonly secret?: boolean;
  readonly session?: boolean;
  readonly location?: boolean;
  readonly host?: boolean;
}

const KINDS: Readonly<Record<string, SettingsField["kind"]>> = {
  string: "text",
  enum: "text",
  number: "number",
  boolean: "boolean",
};

/** The fields of a settings schema in its order. `.meta()` counts wherever it stands: inside or outside of `nullish` and the like. */
export function listSettingsFields(settings: z.ZodObject): readonly SettingsField[] {
  return Object.entries(settings.shape).map(([name, schema]) => {
    const layers = unwrap(schema as z.ZodType);
    const meta = layers.reduce<FieldMeta>((known, layer) => ({ ...known, ...layer.meta() }), {});
    const innermost = layers.at(-1)?.def.type ?? "";
    return {
      name,
      kind: KINDS[innermost] ?? "other",
      secret: meta.secret === true,
      session: meta.session === true,
      location: meta.location === true,
      host: meta.host === true,
    };
  });
}

/** A schema and what it wraps, outermost first. Of a pipe, the side that a caller's value enters. */
function unwrap(schema: z.ZodType): readonly z.ZodType[] {
  const { def } = schema as z.ZodType & { readonly def: { innerType?: z.ZodType; in?: z.ZodType } };
  const inner = def.innerType ?? def.in;
  return inner === undefined ? [schema] : [schema, ...unwrap(inner)];
}

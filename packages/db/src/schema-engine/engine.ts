import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { bindMigrationAwareSqlAdapterFactory } from "@prisma/driver-adapter-utils";
import * as glue from "@prisma/schema-engine-wasm/schema_engine_bg";
import { makeAdapterFactory } from "./adapter.ts";

/** Node has it; its type stands only in the library of browsers. */
declare const WebAssembly: {
  instantiate(
    code: Uint8Array,
    imports: Readonly<Record<string, object>>,
  ): Promise<{ readonly instance: { readonly exports: Readonly<Record<string, unknown>> } }>;
};

/**
 * Prisma's schema engine as WebAssembly: the native one would be downloaded from a host of its own. Its glue code has no
 * loader for Node, so the module is put together here.
 */
async function loadEngine(): Promise<typeof glue.SchemaEngine> {
  // Without it a panic of the engine becomes a TypeError that says nothing.
  Object.assign(globalThis, { PRISMA_WASM_PANIC_REGISTRY: { set_message: reportPanic } });
  const entry = createRequire(import.meta.url).resolve(
    "@prisma/schema-engine-wasm/schema_engine_bg",
  );
  const code = await readFile(path.join(path.dirname(entry), "schema_engine_bg.wasm"));
  const { instance } = await WebAssembly.instantiate(code, {
    "./schema_engine_bg.js": { ...glue },
  });
  glue.__wbg_set_wasm(instance.exports);
  const start = instance.exports["__wbindgen_start"];
  if (typeof start === "function") (start as () => void)();
  return glue.SchemaEngine;
}

function reportPanic(message: string): void {
  process.emitWarning(`the schema engine panicked: ${message}`);
}

let loaded: Promise<typeof glue.SchemaEngine> | undefined;

/** One engine on one database, logged in as somebody who may create databases. Development and CI only. */
export async function openSchemaEngine(adminUrl: string): Promise<glue.SchemaEngine> {
  loaded ??= loadEngine();
  const Engine = await loaded;
  const factory = bindMigrationAwareSqlAdapterFactory(makeAdapterFactory(adminUrl));
  return Engine.new({ datamodels: undefined }, () => undefined, factory);
}

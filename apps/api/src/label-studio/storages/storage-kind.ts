import {
  listSettingsFields,
  type ProviderDefinition,
  type SettingsField,
  type StorageDirection,
} from "@bucketbridge/storage/providers";
import type { ApiDeps } from "../../deps.ts";
import { listOfferedShapes } from "./storage-types.ts";
import type { WireShape } from "./wire-shapes.ts";

/** A type of sources or targets that can be used: how the contract shows it, and the provider behind it. */
export interface StorageKind {
  readonly direction: StorageDirection;
  readonly shape: WireShape;
  readonly definition: ProviderDefinition;
  readonly fields: readonly SettingsField[];
}

/** Undefined for a type that nobody knows, that the operator does not offer, or that has no provider yet. */
export async function findKind(
  { settings, stores }: Pick<ApiDeps, "settings" | "stores">,
  direction: StorageDirection,
  type: string,
): Promise<StorageKind | undefined> {
  const shape = listOfferedShapes(settings.storageTypes).find(({ name }) => name === type);
  const definition = shape === undefined ? undefined : await stores.find(shape.name);
  if (shape === undefined || definition === undefined) return undefined;
  return { direction, shape, definition, fields: listSettingsFields(definition.settings) };
}

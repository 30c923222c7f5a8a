import { expect, test } from "vitest";
import { z } from "zod";
import { listSettingsFields } from "./settings-fields.ts";

const settings = z.object({
  bucket: z.string().nullish().meta({ location: true, host: true }),
  key: z.string().meta({ secret: true }).nullish(),
  token: z.string().nullish().meta({ secret: true, session: true }),
  db: z.number().default(1),
  tls: z.boolean().optional(),
  mode: z.enum(["a", "b"]).optional(),
  path: z.string().transform((path) => path.trim()),
  port: z.preprocess((port) => String(port), z.string()),
});

test("finds what the fields are for, wherever the wrapper put it", () => {
  const fields = listSettingsFields(settings);
  expect(fields.map(({ name, kind }) => `${name}:${kind}`)).toEqual([
    "bucket:text",
    "key:text",
    "token:text",
    "db:number",
    "tls:boolean",
    "mode:text",
    "path:text",
    "port:other",
  ]);
  expect(fields[0]).toMatchObject({ secret: false, location: true, host: true });
  expect(fields[1]).toMatchObject({ secret: true, session: false, location: false, host: false });
  expect(fields[2]).toMatchObject({ secret: true, session: true });
});

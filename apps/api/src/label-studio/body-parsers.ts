import formbody from "@fastify/formbody";
import multipart from "@fastify/multipart";
import type { FastifyInstance, FastifyRequest } from "fastify";

/** Fields of one form; a storage has about thirty. All of them are held in memory, up to a mebibyte each. */
const MAX_FORM_FIELDS = 100;

/** Forms, which the compatible wire takes besides JSON. Their fields arrive as strings; whoever reads them coerces. */
export async function registerFormParsers(app: FastifyInstance): Promise<void> {
  await app.register(formbody);
  await app.register(multipart, {
    attachFieldsToBody: "keyValues",
    limits: { fields: MAX_FORM_FIELDS, fieldSize: 1024 * 1024, files: 1 },
  });
}

/** The same where files are wanted: nothing is read before the handler asks for the parts. */
export async function registerStreamedForms(app: FastifyInstance): Promise<void> {
  await app.register(formbody);
  await app.register(multipart, { throwFileSizeLimit: false });
}

/** True when the body came from a form: the contract reads an absent boolean of a form as false in some places. */
export function isFormBody(request: FastifyRequest): boolean {
  const type = request.headers["content-type"] ?? "";
  return (
    type.startsWith("application/x-www-form-urlencoded") || type.startsWith("multipart/form-data")
  );
}

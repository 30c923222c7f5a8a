import { pythonTypeOf, type FieldReader, type RawFields } from "../fields.ts";

/** Does the caller's organisation have this project? */
export type ProjectExists = (projectId: number) => Promise<boolean>;

/** Reads the `project` of a body in the contract's words; a complaint stays in the reader. */
export async function readProject(
  reader: FieldReader,
  raw: RawFields,
  exists: ProjectExists,
): Promise<number | undefined> {
  const value = raw["project"];
  const projectId = toPrimaryKey(value);
  const complaint =
    projectId === undefined ? complaintAbout(value) : await complaintAboutId(projectId, exists);
  if (complaint === undefined) return projectId;
  reader.fail("project", complaint);
  return undefined;
}

function complaintAbout(value: unknown): string {
  if (value === undefined) return "This field is required.";
  if (value === null) return "This field may not be null.";
  return `Incorrect type. Expected pk value, received ${pythonTypeOf(value)}.`;
}

async function complaintAboutId(id: number, exists: ProjectExists): Promise<string | undefined> {
  if (id <= MAX_INT && (await exists(id))) return undefined;
  return `Invalid pk "${String(id)}" - object does not exist.`;
}

/** Ids of projects are PostgreSQL integers. */
const MAX_INT = 2_147_483_647;

/** Digit strings and whole numbers. */
function toPrimaryKey(value: unknown): number | undefined {
  if (typeof value === "number") return Number.isSafeInteger(value) ? value : undefined;
  if (typeof value !== "string" || !/^\s*-?\d{1,15}\s*$/.test(value)) return undefined;
  return Number(value);
}

export { draftMigration, findDrift, type DiffInput } from "./diff.ts";

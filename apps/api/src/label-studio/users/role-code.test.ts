import { expect, it } from "vitest";
import { ROLES } from "../../permissions.ts";
import { ROLE_CODES, toRole } from "./role-code.ts";

it("finds every role by its code and nothing else", () => {
  expect(ROLES.map((role) => toRole(ROLE_CODES[role]))).toEqual([...ROLES]);
  for (const code of ["DI", "NO", "VO", "owner", ""]) expect(toRole(code)).toBeUndefined();
});

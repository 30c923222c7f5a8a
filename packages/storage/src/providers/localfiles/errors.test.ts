import { expect, test } from "vitest";
import { classifyLocalFilesError, linkFault } from "./errors.ts";

const systemError = (code: string): Error =>
  Object.assign(new TypeError(`${code}: text, open '/x'`), { code, syscall: "open", errno: -1 });

test.each([
  ["ENOENT", "not_found"],
  ["ENOTDIR", "not_found"],
  ["ENXIO", "not_found"],
  ["EACCES", "permission_denied"],
  ["EPERM", "permission_denied"],
  ["EROFS", "permission_denied"],
  ["ELOOP", "permission_denied"],
  ["EISDIR", "invalid_input"],
  ["ENAMETOOLONG", "invalid_input"],
  ["EEXIST", "already_exists"],
  ["ENOSPC", "unavailable"],
  ["EMFILE", "unavailable"],
  ["EIO", "unavailable"],
  ["ESTALE", "unavailable"],
  ["ENOTSUP", "unsupported"],
])("%s means %s", (errno, code) => {
  expect(classifyLocalFilesError(systemError(errno))?.code).toBe(code);
});

test("a link is refused with what to do about it", () => {
  expect(classifyLocalFilesError(linkFault())).toMatchObject({
    code: "permission_denied",
    reason: "localfiles.link",
    hint: expect.stringContaining("links are not followed") as string,
  });
});

test.each([
  new TypeError("x"),
  systemError("EWHATEVER"),
  { code: "ENOENT", syscall: "open" },
  "ENOENT",
  undefined,
])("%s is not known", (error) => {
  expect(classifyLocalFilesError(error)).toBeUndefined();
});

import { describe, expect, it } from "vitest";
import { AllowedMethods } from "./allowed-methods.ts";

describe("AllowedMethods", () => {
  const methods = new AllowedMethods();
  methods.add("/api/things/", ["GET", "POST"]);
  methods.add("/api/things/:id", "GET");
  methods.add("/api/things/:id", "DELETE");
  methods.add("/api/things/types", "GET");
  methods.add("/files/*", "GET");

  it.each([
    ["/api/things", ["GET", "POST"]],
    ["/api/things/?page=2", ["GET", "POST"]],
    ["/api/things/5/", ["DELETE", "GET"]],
    ["/api/things/types", ["GET"]],
    ["/files/a/b.png", ["GET"]],
    ["/api/things/5/6", []],
    ["/api/other", []],
    ["/", []],
  ])("knows what %s takes", (url, expected) => {
    expect(methods.find(url)).toEqual(expected);
  });
});

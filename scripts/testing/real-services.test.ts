import { expect, it } from "vitest";
import { parseExports } from "./real-services.ts";

it("takes what a script exports, and nothing else that it says", () => {
  const text = "starting\nexport A_URL=http://127.0.0.1:1/?a=b\nexport B=\necho export C=1\n";
  expect(parseExports(text)).toEqual({ A_URL: "http://127.0.0.1:1/?a=b", B: "" });
});

export {
  startEntraFake,
  type EntraApp,
  type EntraFake,
  type EntraFakeOptions,
} from "./entra-fake.ts";

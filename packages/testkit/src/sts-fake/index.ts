export {
  startStsFake,
  type StsCall,
  type StsFake,
  type StsFakeOptions,
  type StsPrincipal,
  type StsRole,
} from "./sts-fake.ts";
export { parseSessionPolicy } from "./session-policy.ts";

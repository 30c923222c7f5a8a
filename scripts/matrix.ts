// Every provider on every service: node scripts/matrix.ts [vitest arguments]
// Starts what scripts/services has and does not run yet, runs the conformance suite, prints provider × service × cases, and stops what
// it started (not with BUCKETBRIDGE_TEST_KEEP_SERVICES=true).
import { findUnexplainedSkips, toMatrixTable } from "./testing/matrix-table.ts";
import { startServices } from "./testing/real-services.ts";
import { checkProviders, closeRun, runVitest } from "./testing/vitest-run.ts";

process.exitCode = await runMatrix(process.argv.slice(2));

async function runMatrix(args: readonly string[]): Promise<number> {
  const services = await startServices(process.env);
  try {
    const environment = { ...redisAccount(services.exports), ...services.exports, ...process.env };
    const run = await runVitest({ projects: ["conformance"], args, environment });
    // Whoever asks for one provider does not want to hear of the others.
    const required = process.env["REQUIRE_PROVIDERS"] ?? (args.length === 0 ? "all" : undefined);
    const missing = await checkProviders(required, run.summary);
    const silent = run.summary === undefined ? [] : findUnexplainedSkips(run.summary);
    console.log(`\n${services.report.join("\n")}\n`);
    if (run.summary !== undefined) console.log(`${toMatrixTable(run.summary)}\n`);
    return closeRun(run, [...missing, ...silent]);
  } finally {
    if (process.env["BUCKETBRIDGE_TEST_KEEP_SERVICES"] !== "true") services.stop();
  }
}

/** The Redis of scripts/services, with a user and TLS, is an account like another, unless the caller has one. */
function redisAccount(exports: Readonly<Record<string, string>>): Record<string, string> {
  if ((process.env["BUCKETBRIDGE_TEST_REDIS_URL"] ?? "") !== "") return {};
  const { REDIS_TLS_URL, REDIS_CA_CERT, REDIS_USER, REDIS_PASSWORD } = exports;
  if (REDIS_TLS_URL === undefined || REDIS_CA_CERT === undefined) return {};
  const url = new URL(REDIS_TLS_URL);
  url.username = REDIS_USER ?? "";
  url.password = REDIS_PASSWORD ?? "";
  url.pathname = "/7";
  return { BUCKETBRIDGE_TEST_REDIS_URL: url.href, BUCKETBRIDGE_TEST_REDIS_CA: REDIS_CA_CERT };
}

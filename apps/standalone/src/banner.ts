import type { FirstExportResult } from "./first-export.ts";
import type { FirstRunResult } from "./first-run.ts";

/** What is told when the system serves. */
export interface BannerFacts {
  readonly url: string;
  readonly token: string;
  readonly email: string;
  readonly dataDir: string;
  readonly result: FirstRunResult | undefined;
  readonly exported: FirstExportResult | undefined;
  readonly source: string | undefined;
  readonly seconds: number;
}

/** The lines that close the start: counts, where everything is, and how to go on. */
export function bannerLines(facts: BannerFacts): string[] {
  const { result, exported, url, token } = facts;
  const counts =
    result === undefined
      ? []
      : [
          `${result.status}: ${String(result.created)} new tasks, ${String(result.existed)} known, ` +
            `${String(result.tasks)} in project ${String(result.projectId)} (${facts.source ?? ""})`,
          ...result.problems.map((problem) => `PROBLEM: ${problem}`),
        ];
  const written =
    exported === undefined
      ? []
      : [exported.summary, ...exported.problems.map((problem) => `PROBLEM: ${problem}`)];
  return [
    ...counts,
    ...written,
    `ready after ${facts.seconds.toFixed(1)} s`,
    "",
    `  API         ${url}   (OpenAPI page: ${url}/docs)`,
    `  Owner       ${facts.email}`,
    `  Token       ${token}`,
    `  Bull Board  ${url}/admin/queues   (sign in with the address and the token)`,
    `  Data        ${facts.dataDir}   (delete it to start afresh)`,
    "",
    "Your own bucket:",
    `  BUCKETBRIDGE_SOURCE=s3://bucket/prefix AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=… npm start`,
    `  or: curl -H "Authorization: Token ${token}" ${url}/api/storages/types`,
  ];
}

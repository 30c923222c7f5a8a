import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { interceptDriver } from "../decorators/intercept.ts";
import type { StorageDriver } from "../driver.ts";
import { CaseContext, type CaseGroup, type ConformanceCase } from "./case.ts";
import { FAILURE_CASES } from "./cases/failure.ts";
import { KEY_CASES } from "./cases/keys.ts";
import { LIST_CASES } from "./cases/list.ts";
import { PRESIGN_CASES } from "./cases/presign.ts";
import { PRIVILEGE_CASES } from "./cases/privilege.ts";
import { READ_CASES } from "./cases/read.ts";
import { TRAIT_CASES } from "./cases/traits.ts";
import { WRITE_CASES } from "./cases/write.ts";
import { noteConformance } from "./conformance-target.ts";
import type { DriverHarness, HarnessUnavailable } from "./harness.ts";

const CASES_BY_GROUP: Readonly<Record<CaseGroup, readonly ConformanceCase[]>> = {
  list: LIST_CASES,
  keys: KEY_CASES,
  read: READ_CASES,
  write: WRITE_CASES,
  presign: PRESIGN_CASES,
  failure: FAILURE_CASES,
  privilege: PRIVILEGE_CASES,
  traits: TRAIT_CASES,
};

/** Every behaviour of the seam, for whoever runs the cases without the test runner. */
export const CONFORMANCE_CASES: readonly ConformanceCase[] = Object.values(CASES_BY_GROUP).flat();

/** Real servers on busy machines: 16 MiB and 80 connections need their time. */
const CASE_TIMEOUT_MS = 60_000;

/**
 * Runs the contract of `StorageDriver` against one provider on one service. A provider's own tests add only what is
 * peculiar to it. Each case carries provider and service in its `meta`, so that a run can demand that both were tested.
 */
export function describeDriverConformance(
  makeHarness: () => Promise<DriverHarness | HarnessUnavailable>,
): void {
  describe("storage driver conformance", () => {
    let harness: DriverHarness | undefined;
    let driver: StorageDriver | undefined;
    let made: DriverHarness | HarnessUnavailable | undefined;

    beforeAll(async () => {
      made = await makeHarness();
      if ("unavailable" in made) return;
      harness = made;
      driver = withOverrides(made, await made.open());
    }, CASE_TIMEOUT_MS);
    beforeEach(async (context) => {
      if (made !== undefined)
        noteConformance(context, { provider: made.name, service: made.service });
      await harness?.clear();
    });
    afterAll(async () => {
      await driver?.close();
      await harness?.dispose();
    });

    for (const [group, cases] of Object.entries(CASES_BY_GROUP)) {
      describe(group, () => {
        it.for(cases)("$name", { timeout: CASE_TIMEOUT_MS }, async (conformanceCase, { skip }) => {
          if (harness === undefined || driver === undefined) {
            skip(reasonWithoutHarness(made));
            return;
          }
          const reason = reasonToSkip(conformanceCase, harness);
          if (reason !== undefined) skip(reason);
          await conformanceCase.run(new CaseContext(harness, driver));
        });
      });
    }

    it("knows every override by a link", ({ skip }) => {
      // A case that passed would be proof that the service was there.
      if (harness === undefined) skip(reasonWithoutHarness(made));
      for (const override of harness?.overrides ?? [])
        expect(override.link).toMatch(/^https?:\/\/|^docs\//);
    });
  });
}

function reasonWithoutHarness(made: DriverHarness | HarnessUnavailable | undefined): string {
  return made !== undefined && "unavailable" in made ? made.unavailable : "no harness";
}

/** The driver with the traits that this service really has. */
export function withOverrides(harness: DriverHarness, driver: StorageDriver): StorageDriver {
  let traits = driver.traits;
  for (const override of harness.overrides ?? []) {
    if ("traits" in override) traits = { ...traits, ...override.traits };
  }
  if (traits === driver.traits) return driver;
  return { ...interceptDriver(driver, { call: (call, action) => action(call.ctx) }), traits };
}

/** Why a case cannot run on this harness; undefined: it can. */
export function reasonToSkip(
  conformanceCase: ConformanceCase,
  harness: DriverHarness,
): string | undefined {
  const gap = (harness.overrides ?? []).find(
    (override) => "gap" in override && override.gap === conformanceCase.gap,
  );
  if (gap !== undefined) return `${harness.service} differs: ${gap.link}`;
  return conformanceCase.missing?.(harness);
}

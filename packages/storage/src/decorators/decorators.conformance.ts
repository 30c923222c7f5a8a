import { describe } from "vitest";
import { faults, withFaults } from "../memory/faults.ts";
import { describeDriverConformance } from "../testing/conformance.ts";
import { memoryHarness } from "../testing/memory-harness.ts";
import { decorate } from "./decorate.ts";
import { HostPauses, withPause } from "./host-pauses.ts";
import { interceptDriver } from "./intercept.ts";
import { withLimit } from "./limit.ts";
import { withObserver } from "./observe.ts";
import { withRetry } from "./retry.ts";
import { withTimeout } from "./timeout.ts";

const RETRY = { attempts: 3, baseMs: 1, capMs: 2, maxWaitMs: 10, pause: () => Promise.resolve() };
const TIMEOUT = { timeoutMs: 5_000, idleMs: 5_000 };

const DECORATORS: Readonly<Record<string, Parameters<typeof memoryHarness>[0]>> = {
  intercept: {
    wrap: (memory) => interceptDriver(memory, { call: (call, action) => action(call.ctx) }),
  },
  "retry over a store that refuses every second call": {
    wrap: (memory) => {
      const before = faults.throttle({ retryAfterMs: 1, except: "putConditional" });
      return withRetry(withFaults(memory, { before }), RETRY);
    },
  },
  timeout: { wrap: (memory) => withTimeout(memory, TIMEOUT) },
  "limit of one call at a time": { wrap: (memory) => withLimit(memory, 1) },
  "pause over a store that refuses every second call": {
    wrap: (memory) => {
      const before = faults.throttle({ retryAfterMs: 1, except: "putConditional" });
      const pause = { pauses: new HostPauses(), host: "memory", maxWaitMs: 1_000 };
      return withRetry(withPause(withFaults(memory, { before }), pause), RETRY);
    },
  },
  observe: { wrap: (memory) => withObserver(memory, () => undefined) },
  "all of them": { wrap: (memory) => decorate(memory, { observer: () => undefined }) },
};

for (const [name, options] of Object.entries(DECORATORS)) {
  describe(name, () => {
    describeDriverConformance(() => memoryHarness(options));
  });
}

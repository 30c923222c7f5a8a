import fs from "node:fs";
import { describe, expect, it } from "vitest";
import { bucketPlace } from "./content-place.ts";
import { withS3Place } from "./s3-place.ts";
import { createScene } from "./scene.ts";
import type { System } from "./system.ts";

const MIB = 1024 * 1024;

/** A line that is larger than any row. The system must have nothing else to do, since its memory is measured. */
export function describeEndlessLine(getSystem: () => System): void {
  describe.concurrent("a line without an end", () => {
    const memory = (pid: number, field: "VmRSS" | "VmHWM"): number => {
      const text = fs.readFileSync(`/proc/${String(pid)}/status`, "utf8");
      return Number(new RegExp(`${field}:\\s+(\\d+)`).exec(text)?.[1]) * 1_024;
    };

    it.skipIf(!fs.existsSync("/proc/self/clear_refs"))(
      "1 GB in one line: is one issue, costs no memory, and its GET is given up",
      () =>
        withS3Place(async (place) => {
          const { client, workers } = getSystem();
          const pid = workers[0]?.pid ?? -1;
          const bucket = bucketPlace(place, "cats");
          bucket.put("a.json", '{"data":{"name":"a"}}');
          const scene = await createScene(client, "s3", bucket.payload({ use_blob_urls: false }));
          expect(await scene.sync()).toMatchObject({ status: "completed" });
          place.fake.putPattern("cats", "line.jsonl", 1024 ** 3, { start: '{"data":{"name":"' });
          // Otherwise what waits in the buffers of both kernels would count as well.
          place.fake.inject({
            kind: "slow",
            on: "get",
            key: "line.jsonl",
            bytesPerSecond: 6 * MIB,
          });
          const idleBytes = memory(pid, "VmRSS");
          // 5 sets the peak back to what is in use.
          fs.writeFileSync(`/proc/${String(pid)}/clear_refs`, "5");
          const before = place.fake.bytesSent;
          const storage = await scene.sync();
          const sentMib = (place.fake.bytesSent - before) / MIB;
          const peakMib = (memory(pid, "VmHWM") - idleBytes) / MIB;
          process.stderr.write(
            `1 GB line: ${sentMib.toFixed(1)} MiB sent, ${peakMib.toFixed(0)} MiB over idle (${(idleBytes / MIB).toFixed(0)} MiB)\n`,
          );
          expect(storage["status"]).toBe("completed_with_errors");
          expect(await scene.issues()).toMatchObject([
            {
              code: "row_too_large",
              key: "line.jsonl",
              message: expect.stringMatching(/16/) as string,
            },
          ]);
          expect(place.fake.openBodies).toBe(0);
          expect(sentMib).toBeLessThanOrEqual(17);
          expect(peakMib).toBeLessThanOrEqual(100);
          expect(await scene.tasks()).toEqual(["a"]);
          bucket.put("line.jsonl", '{"data":{"name":"short"}}');
          expect(await scene.sync()).toMatchObject({ status: "completed", traceback: null });
          expect(await scene.tasks()).toEqual(["a", "short"]);
        }),
    );
  });
}

// npm run bench [-- section …] [--repetitions 5] [--scale 1]: see README.md beside this file.
import { parseArgs } from "node:util";
import { BenchCluster } from "./bench-database.ts";
import { describeLoad, toTable, type Figure } from "./report.ts";
import { S3Server } from "./s3-server.ts";
import type { Section } from "./section.ts";
import { deliveriesSection } from "./sections/deliveries.ts";
import { exportsSection } from "./sections/exports.ts";
import { filesSection } from "./sections/files.ts";
import { mediaSection } from "./sections/media.ts";
import { memorySection } from "./sections/memory.ts";
import { outageSection } from "./sections/outage.ts";
import { pagesSection } from "./sections/pages.ts";
import { proxySection } from "./sections/proxy.ts";
import { replicasSection } from "./sections/replicas.ts";
import { rowsSection } from "./sections/rows.ts";
import { signingSection } from "./sections/signing.ts";

const SECTIONS: readonly Section[] = [
  filesSection,
  pagesSection,
  rowsSection,
  memorySection,
  replicasSection,
  deliveriesSection,
  exportsSection,
  outageSection,
  mediaSection,
  signingSection,
  proxySection,
];
const DEFAULT_REPETITIONS = "5";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    repetitions: { type: "string", default: DEFAULT_REPETITIONS },
    scale: { type: "string", default: "1" },
  },
});
const wanted = positionals.length === 0 ? SECTIONS : pick(positionals);
process.exitCode = wanted === undefined ? 2 : await measure(wanted);

/** Undefined: a name is unknown, which was said. */
function pick(names: readonly string[]): readonly Section[] | undefined {
  const unknown = names.filter((name) => !SECTIONS.some((section) => section.name === name));
  if (unknown.length === 0) return SECTIONS.filter(({ name }) => names.includes(name));
  const lines = SECTIONS.map(({ name, about }) => `  ${name.padEnd(10)} ${about}`);
  console.error(`unknown section ${unknown.join(", ")}\n\n${lines.join("\n")}`);
  return undefined;
}

/** 0 also when a figure misses its goal: that is printed. Something broken is thrown. */
async function measure(sections: readonly Section[]): Promise<number> {
  console.log(`machine before: ${describeLoad()}`);
  const cluster = await BenchCluster.start();
  const s3 = await S3Server.start();
  const figures: Figure[] = [];
  try {
    for (const section of sections) {
      console.log(`\n${section.name}: ${section.about}`);
      figures.push(
        ...(await section.measure({
          cluster,
          s3,
          repetitions: Number(values.repetitions),
          scale: Number(values.scale),
          say: (line) => {
            console.log(`  ${line}`);
          },
        })),
      );
    }
  } finally {
    await s3.stop();
    await cluster.stop();
  }
  console.log(`\n${toTable(figures)}\n\nmachine after: ${describeLoad()}`);
  return 0;
}

import { generateKeyPairSync, sign } from "node:crypto";
import { median } from "../measure.ts";
import type { Figure } from "../report.ts";
import type { Bench, Section } from "../section.ts";
import { openSigningStores, type SigningStore } from "../signing-stores.ts";

const SECTION = "signing";
const GOAL_PER_SECOND = 20_000;
const COUNT = 20_000;
/** RSA takes a hundred times as long as a keyed hash. */
const RSA_COUNT = 2_000;
const RSA_GOAL = 0.9;

/** How many URLs are signed in a second, through the same layers as in the API, each for another key. */
export const signingSection: Section = {
  name: SECTION,
  about: "signed URLs a second, by each provider that signs with a key of its own",
  async measure(bench) {
    const stores = await openSigningStores();
    try {
      const figures: Figure[] = [];
      for (const store of stores) figures.push(...(await measureStore(bench, store)));
      return figures;
    } finally {
      await Promise.all(stores.map((store) => store.close()));
    }
  },
};

async function measureStore(bench: Bench, store: SigningStore): Promise<readonly Figure[]> {
  const isRsa = store.name === "gcs";
  const count = Math.ceil((isRsa ? RSA_COUNT : COUNT) * bench.scale);
  const rates = await measureRates(bench, (turn) => signUrls(store, count, `${String(turn)}/`));
  const own = toFigure(`${store.name}, URLs/s`, rates);
  bench.say(`${own.what}: ${own.figure}, ${own.detail}`);
  if (!isRsa) return [own];
  return [own, ...(await measureRsa(bench, store, median(rates.map(({ cpu }) => cpu))))];
}

/** What is left of the bare signature, and what it costs to name an object again within its time window. */
async function measureRsa(
  bench: Bench,
  store: SigningStore,
  perCpuSecond: number,
): Promise<readonly Figure[]> {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2_048 });
  const bare = await measureRates(bench, () => {
    const count = Math.ceil(RSA_COUNT * bench.scale);
    for (let index = 0; index < count; index++)
      sign("sha256", Buffer.from(String(index)), privateKey);
    return Promise.resolve(count);
  });
  const bareRate = median(bare.map(({ cpu }) => cpu));
  const again = await measureRates(bench, () =>
    signUrls(store, Math.ceil(COUNT * bench.scale), "again/", 1_000),
  );
  const share = perCpuSecond / bareRate;
  return [
    {
      section: SECTION,
      what: `${store.name}, new URLs / bare RSA`,
      figure: share.toFixed(2),
      goal: `≥ ${String(RSA_GOAL)}`,
      isMet: share >= RSA_GOAL,
      detail: `bare: ${(bareRate / 1_000).toFixed(1)}k per second of processor time`,
    },
    toFigure(`${store.name}, URLs/s of 1,000 objects that were named in the same window`, again),
  ];
}

/** By processor time, which is what one core can do: on a busy machine the clock counts the work of others. */
function toFigure(what: string, rates: readonly Rate[]): Figure {
  const perCpuSecond = median(rates.map(({ cpu }) => cpu));
  const perSecond = median(rates.map(({ wall }) => wall));
  return {
    section: SECTION,
    what,
    figure: perCpuSecond.toFixed(0),
    goal: `≥ ${String(GOAL_PER_SECOND)}`,
    isMet: perCpuSecond >= GOAL_PER_SECOND,
    detail: `of processor time, one core; by the clock ${perSecond.toFixed(0)}/s`,
  };
}

interface Rate {
  /** Per second of time, and per second of processor time. */
  readonly wall: number;
  readonly cpu: number;
}

/** One more turn than asked for: the first warms up. `work` gives how many it did. */
async function measureRates(
  { repetitions }: Bench,
  work: (turn: number) => Promise<number>,
): Promise<readonly Rate[]> {
  const rates: Rate[] = [];
  for (let turn = 0; turn <= repetitions; turn++) {
    const cpuBefore = process.cpuUsage();
    const startMs = performance.now();
    const count = await work(turn);
    const wallMs = performance.now() - startMs;
    const { user, system } = process.cpuUsage(cpuBefore);
    if (turn > 0)
      rates.push({ wall: (count / wallMs) * 1_000, cpu: (count / (user + system)) * 1e6 });
  }
  return rates;
}

async function signUrls(
  { store }: SigningStore,
  count: number,
  prefix: string,
  distinct = count,
): Promise<number> {
  const { signal } = new AbortController();
  const options = {
    method: "GET" as const,
    ttlSeconds: 900,
    windowSeconds: 300,
    contentType: "image/jpeg",
    disposition: "inline; filename*=UTF-8''img.jpg",
  };
  for (let index = 0; index < count; index++) {
    const name = `img_${String(index % distinct)}.jpg`;
    await store.presignRead(`datasets/images/${prefix}${name}`, options, { signal });
  }
  return count;
}

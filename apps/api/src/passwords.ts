import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { AppError } from "@bucketbridge/core";

/** Fewer are guessed; more are no password. */
export const MIN_PASSWORD_CHARS = 10;
export const MAX_PASSWORD_CHARS = 256;

interface Cost {
  readonly logN: number;
  readonly r: number;
  readonly p: number;
}

/** 32 MiB and about 0.2 s: OWASP's scrypt settings with the least memory (Password Storage Cheat Sheet). */
const COST: Cost = { logN: 15, r: 8, p: 3 };
const SALT_BYTES = 16;
const HASH_BYTES = 32;
/** Sign-ins compute side by side; more wait, so that a flood of them costs no more memory than this many. */
const MAX_PARALLEL = 2;
/** Whoever waits behind so many others is told to come again. */
const MAX_WAITING = 50;

/** Stored when nobody's password is checked, so that an unknown address takes as long as a wrong password. */
const NOBODY = `scrypt$${String(COST.logN)}$${String(COST.r)}$${String(COST.p)}$${Buffer.alloc(SALT_BYTES).toString("base64")}$${Buffer.alloc(HASH_BYTES).toString("base64")}`;

/** Makes and checks what is stored of passwords. One per process: it bounds their memory. */
export class Passwords {
  #running = 0;
  readonly #waiting: (() => void)[] = [];
  readonly #maxWaiting: number;

  constructor({ maxWaiting = MAX_WAITING } = {}) {
    this.#maxWaiting = maxWaiting;
  }

  /** `scrypt$<log2 N>$<r>$<p>$<salt>$<hash>`. */
  async hash(password: string): Promise<string> {
    const salt = randomBytes(SALT_BYTES);
    const hash = await this.#derive(password, salt, COST);
    const { logN, r, p } = COST;
    return ["scrypt", logN, r, p, salt.toString("base64"), hash.toString("base64")].join("$");
  }

  /** `stored` undefined: nobody has that password, found out in the same time. */
  async verify(password: string, stored: string | undefined): Promise<boolean> {
    const [scheme, logN, r, p, salt = "", hash = ""] = (stored ?? NOBODY).split("$");
    if (scheme !== "scrypt")
      throw new AppError({ code: "internal", message: "a stored password has an unknown scheme" });
    const cost = { logN: Number(logN), r: Number(r), p: Number(p) };
    const derived = await this.#derive(password, Buffer.from(salt, "base64"), cost);
    const expected = Buffer.from(hash, "base64");
    const isEqual = expected.length === derived.length && timingSafeEqual(expected, derived);
    return isEqual && stored !== undefined;
  }

  async #derive(password: string, salt: Buffer, { logN, r, p }: Cost): Promise<Buffer> {
    await this.#take();
    try {
      const N = 2 ** logN;
      const options = { N, r, p, maxmem: 256 * N * r };
      return await new Promise<Buffer>((resolve, reject) => {
        // One way to write each character: keyboards differ in how they compose accents.
        scrypt(password.normalize("NFKC"), salt, HASH_BYTES, options, (error, key) => {
          if (error === null) resolve(key);
          else reject(error);
        });
      });
    } finally {
      this.#give();
    }
  }

  async #take(): Promise<void> {
    if (this.#running < MAX_PARALLEL) {
      this.#running++;
      return;
    }
    if (this.#waiting.length >= this.#maxWaiting)
      throw new AppError({ code: "rate_limited", message: "too many sign-ins at once" });
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#waiting.push(() => {
      resolve(undefined);
    });
    await promise;
  }

  /** The place goes to the one who waits the longest. */
  #give(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#running--;
    else next();
  }
}

import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { AppError, isAppError, Secret } from "@bucketbridge/core";

const FORMAT = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;

/** What a secret belongs to: a ciphertext that was copied to another row does not open. */
export type SecretOwner = {
  readonly organizationId: number;
} & ({ readonly storageId: number } | { readonly eventKeyId: number });

/** Names and values of the secret fields of one storage. */
export type SecretFields = Readonly<Record<string, string>>;

/**
 * Keys of AES-256-GCM by their ids. The first encrypts, all decrypt, so that a key is replaced by putting a new one in front.
 * A sealed value is: format byte, length of the key id, key id, nonce (12), tag (16), ciphertext of the fields as JSON.
 */
export class KeyRing {
  readonly #keys: ReadonlyMap<string, Buffer>;
  readonly #current: string;

  private constructor(keys: ReadonlyMap<string, Buffer>, current: string) {
    this.#keys = keys;
    this.#current = current;
  }

  /** Reads `id:base64(32 bytes)`, comma separated. Throws `invalid_config` without repeating any of it. */
  static parse(list: Secret): KeyRing {
    const keys = new Map<string, Buffer>();
    for (const entry of list.reveal().split(",")) {
      const [id, encoded] = splitEntry(entry.trim());
      const key = Buffer.from(encoded, "base64");
      if (key.length !== KEY_BYTES)
        throw invalidRing(`key "${id}" does not have 32 bytes in base64`);
      if (keys.has(id)) throw invalidRing(`key id "${id}" stands there twice`);
      keys.set(id, key);
    }
    const [current] = keys.keys();
    if (current === undefined) throw invalidRing("it is empty");
    return new KeyRing(keys, current);
  }

  /** Encrypts the fields with the first key, bound to their owner. */
  seal(fields: SecretFields, owner: SecretOwner): Uint8Array<ArrayBuffer> {
    const id = Buffer.from(this.#current, "utf8");
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv("aes-256-gcm", this.#key(this.#current), nonce);
    cipher.setAAD(boundTo(owner));
    const body = Buffer.concat([cipher.update(JSON.stringify(fields), "utf8"), cipher.final()]);
    const sealed = Buffer.concat([
      Buffer.from([FORMAT, id.length]),
      id,
      nonce,
      cipher.getAuthTag(),
      body,
    ]);
    return new Uint8Array(sealed);
  }

  /**
   * Decrypts what `seal` made for the same owner; `null` (no secrets saved) gives no fields. Rejects what it cannot read (lost
   * key, damaged, another owner's) with `invalid_config` / `secret.unreadable`.
   */
  open(sealed: Uint8Array | null, owner: SecretOwner): Secret<SecretFields> {
    if (sealed === null) return new Secret<SecretFields>({});
    const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
    const idEnd = 2 + (bytes[1] ?? 0);
    const bodyStart = idEnd + NONCE_BYTES + TAG_BYTES;
    if (bytes[0] !== FORMAT || bytes.length < bodyStart) throw unreadable("they are damaged");
    const id = bytes.toString("utf8", 2, idEnd);
    if (!this.#keys.has(id))
      throw unreadable(`they were saved with key "${id}", which BUCKETBRIDGE_SECRET_KEYS lacks`);
    try {
      const decipher = createDecipheriv(
        "aes-256-gcm",
        this.#key(id),
        bytes.subarray(idEnd, idEnd + NONCE_BYTES),
      );
      decipher.setAAD(boundTo(owner));
      decipher.setAuthTag(bytes.subarray(idEnd + NONCE_BYTES, bodyStart));
      const text = Buffer.concat([
        decipher.update(bytes.subarray(bodyStart)),
        decipher.final(),
      ]).toString("utf8");
      return new Secret(JSON.parse(text) as SecretFields);
    } catch (error) {
      throw unreadable(`key "${id}" does not open them`, error);
    }
  }

  /** One field of what `seal` made; undefined when it cannot be read or has no such field. */
  openOne(sealed: Uint8Array, owner: SecretOwner, name: string): Secret | undefined {
    try {
      const value = this.open(sealed, owner).reveal()[name];
      return value === undefined ? undefined : new Secret(value);
    } catch (error) {
      if (isAppError(error, "invalid_config")) return undefined;
      throw error;
    }
  }

  #key(id: string): Buffer {
    const key = this.#keys.get(id);
    if (key === undefined) throw invalidRing(`key "${id}" is missing`);
    return key;
  }
}

/** A key id is short and plain: it stands readable in the row and in messages. */
function splitEntry(entry: string): [string, string] {
  const colon = entry.indexOf(":");
  const id = entry.slice(0, Math.max(colon, 0));
  if (!/^[\w.-]{1,64}$/.test(id)) {
    throw invalidRing(
      "an entry does not start with an id (1 to 64 letters, digits, '.', '-', '_') and a colon",
    );
  }
  return [id, entry.slice(colon + 1)];
}

function boundTo(owner: SecretOwner): Buffer {
  const row =
    "storageId" in owner ? String(owner.storageId) : `event-key:${String(owner.eventKeyId)}`;
  return Buffer.from(`bucketbridge:${String(owner.organizationId)}:${row}`, "utf8");
}

function invalidRing(problem: string): AppError {
  return new AppError({
    code: "invalid_config",
    op: "db.secrets",
    message: `BUCKETBRIDGE_SECRET_KEYS cannot be used: ${problem}; it is a list of id:base64(32 bytes)`,
  });
}

function unreadable(problem: string, cause?: unknown): AppError {
  return new AppError({
    code: "invalid_config",
    reason: "secret.unreadable",
    op: "db.secrets",
    message: `the saved secrets of this storage cannot be read: ${problem}; enter them again`,
    cause,
  });
}

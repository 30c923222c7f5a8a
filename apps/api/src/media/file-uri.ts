/**
 * The reference that a `fileuri` stands for: URL-safe Base64 (with or without padding), or the text itself, percent-encoded once
 * more or not (ls-api §4.5). Undefined for what is neither.
 */
export function decodeFileUri(text: string): string | undefined {
  return decodeBase64(text) ?? decodePercent(text);
}

/** As the contract writes it into task data: URL-safe Base64 with its padding. */
export function encodeFileUri(reference: string): string {
  return Buffer.from(reference, "utf8")
    .toString("base64")
    .replaceAll("+", "-")
    .replaceAll("/", "_");
}

const BASE64_URL = /^[A-Za-z0-9_-]+={0,2}$/;
/** Something that begins like a reference; without it, a text that happens to be Base64 would be taken for one. */
const REFERENCE = /^[a-z][a-z0-9+.-]*:\/\//;

function decodeBase64(text: string): string | undefined {
  if (!BASE64_URL.test(text)) return undefined;
  const decoded = decodeUtf8(Buffer.from(text, "base64url"));
  return decoded !== undefined && REFERENCE.test(decoded) ? decoded : undefined;
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

function decodePercent(text: string): string | undefined {
  if (REFERENCE.test(text)) return text;
  try {
    const decoded = decodeURIComponent(text);
    return REFERENCE.test(decoded) ? decoded : undefined;
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}

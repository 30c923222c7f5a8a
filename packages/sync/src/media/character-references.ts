const NAMED: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
};
const REFERENCE = /&(?:(amp|lt|gt|quot|apos)|#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6}));/g;
const MAX_CODE_POINT = 0x10ffff;

/**
 * The value of an HTML attribute as a browser reads it: the five character references that serializers write, and those by number.
 * What is no such reference stays as it is.
 */
export function decodeCharacterReferences(text: string): string {
  return text.replace(
    REFERENCE,
    (whole, name: string | undefined, decimal: string | undefined, hex: string | undefined) => {
      if (name !== undefined) return NAMED[name] ?? whole;
      const codePoint = decimal === undefined ? parseInt(hex ?? "", 16) : Number(decimal);
      return codePoint <= MAX_CODE_POINT ? String.fromCodePoint(codePoint) : whole;
    },
  );
}

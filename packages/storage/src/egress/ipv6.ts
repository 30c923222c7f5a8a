/** The eight 16-bit words of an IPv6 literal without zone. The URL parser expands every spelling, dotted tails too. */
export function ipv6Words(address: string): readonly number[] {
  const canonical = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const [head = "", tail] = canonical.split("::");
  const left = hexWords(head);
  if (tail === undefined) return left;
  const right = hexWords(tail);
  return [...left, ...new Array<number>(8 - left.length - right.length).fill(0), ...right];
}

/**
 * The IPv4 address that an IPv6 address stands for, or undefined: mapped `::ffff:a.b.c.d`, compatible `::a.b.c.d`,
 * translated `::ffff:0:a.b.c.d`, NAT64 `64:ff9b::a.b.c.d`, 6to4 `2002:aabb:ccdd::`, ISATAP `…:0:5efe:a.b.c.d`.
 */
export function embeddedIpv4(words: readonly number[]): string | undefined {
  const [w0 = 0, w1 = 0, w2 = 0, , w4 = 0, w5 = 0, w6 = 0, w7 = 0] = words;
  if (w0 === 0x2002) return dotted(w1, w2);
  if (w5 === 0x5efe && (w4 & 0xfdff) === 0) return dotted(w6, w7);
  const zeroUpTo = words.findIndex((word) => word !== 0);
  const mapped = zeroUpTo === 5 && w5 === 0xffff;
  const translated = zeroUpTo === 4 && w4 === 0xffff && w5 === 0;
  const compatible = zeroUpTo === 6;
  const nat64 = w0 === 0x64 && w1 === 0xff9b && words.slice(2, 6).every((word) => word === 0);
  return mapped || translated || compatible || nat64 ? dotted(w6, w7) : undefined;
}

function hexWords(text: string): number[] {
  return text === "" ? [] : text.split(":").map((word) => Number.parseInt(word, 16));
}

function dotted(high: number, low: number): string {
  return [high >> 8, high & 0xff, low >> 8, low & 0xff].join(".");
}

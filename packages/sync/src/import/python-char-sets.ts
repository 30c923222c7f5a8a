/** Members of Python's `\w`, written for the inside of an RE2 class. */
export const WORD_MEMBERS = String.raw`\p{L}\p{N}_`;
const DIGIT = String.raw`\p{Nd}`;
const SPACE = String.raw`\t-\r\x{1c}-\x{20}\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}`;
const NOT_SPACE = String.raw`\x{0}-\x{8}\x{e}-\x{1b}\x{21}-\x{84}\x{86}-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{1fff}\x{200b}-\x{2027}\x{202a}-\x{202e}\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{10ffff}`;

/**
 * Members of Python's `\d \w \s` and their opposites (Unicode, unlike RE2's own), written for the inside of an RE2 class. RE2
 * cannot negate or subtract there, so `\W` is a range table.
 */
export const CLASS_MEMBERS: Readonly<Record<string, () => string>> = {
  d: () => DIGIT,
  D: () => String.raw`\P{Nd}`,
  w: () => WORD_MEMBERS,
  W: notWord,
  s: () => SPACE,
  S: () => NOT_SPACE,
};

let notWordRanges: string | undefined;

/** Some 800 ranges, 60 ms: made once, when a pattern first wants them. */
function notWord(): string {
  notWordRanges ??= complementOf(/[\p{L}\p{N}_]/u);
  return notWordRanges;
}

function complementOf(member: RegExp): string {
  let ranges = "";
  let start = -1;
  for (let point = 0; point <= 0x110000; point++) {
    const inside = point === 0x110000 || member.test(String.fromCodePoint(point));
    if (!inside && start < 0) start = point;
    if (!inside || start < 0) continue;
    ranges += `\\x{${start.toString(16)}}-\\x{${(point - 1).toString(16)}}`;
    start = -1;
  }
  return ranges;
}

/** A text for people (a message, a shown key) as PostgreSQL takes it: without U+0000 and halves of surrogate pairs. */
export function toStorableText(text: string): string {
  return text.toWellFormed().replaceAll("\u0000", "\ufffd");
}

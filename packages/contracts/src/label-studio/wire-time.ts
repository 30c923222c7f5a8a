/** As Django REST framework writes a moment: six digits of fraction, none when it is zero, and a Z. */
export function toWireTime(moment: Date): string {
  return `${moment.toISOString().slice(0, 19)}${fraction(moment)}Z`;
}

/** As Python's `str()` writes an aware moment; the values in `meta` look like this. */
export function toPythonTime(moment: Date): string {
  return `${moment.toISOString().slice(0, 19).replace("T", " ")}${fraction(moment)}+00:00`;
}

/** The database keeps microseconds, a `Date` milliseconds. */
function fraction(moment: Date): string {
  const ms = moment.getUTCMilliseconds();
  return ms === 0 ? "" : `.${String(ms).padStart(3, "0")}000`;
}

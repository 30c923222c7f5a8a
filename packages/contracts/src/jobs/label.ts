/** Longest label of a job. */
export const LABEL_CHARS = 120;

/** What a label is made of: "import · s3 cats-bucket · run 17" has the work "import" and the end "run 17". */
export interface LabelParts {
  readonly work: string;
  readonly provider: string;
  /** Left out when it is blank, cut when it is long. */
  readonly title: string | null;
  readonly end: string;
}

/** What the board calls a job. */
export function toLabel({ work, provider, title, end }: LabelParts): string {
  const head = `${work} · ${provider}`;
  const tail = ` · ${end}`;
  const name = title?.trim() ?? "";
  if (name === "") return `${head}${tail}`;
  const room = LABEL_CHARS - head.length - tail.length - 1;
  return `${head} ${name.slice(0, room).toWellFormed()}${tail}`;
}

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  encodeCommand,
  REPLY_LIMITS,
  RedisProtocolError,
  RedisReplyError,
  ReplyParser,
  type Reply,
} from "./resp.ts";

function parse(...chunks: readonly (string | Buffer)[]): readonly Reply[] {
  const replies: Reply[] = [];
  const parser = new ReplyParser((reply) => replies.push(reply));
  for (const chunk of chunks) parser.write(Buffer.from(chunk));
  return replies;
}

describe("encodeCommand", () => {
  it("counts bytes, not characters, and leaves bytes as they are", () => {
    const bytes = encodeCommand(["SET", "é", Uint8Array.of(0, 13, 10, 255)]);
    expect(bytes.toString("latin1")).toBe(
      "*3\r\n$3\r\nSET\r\n$2\r\nÃ©\r\n$4\r\n\u0000\r\n\u00ff\r\n",
    );
  });
});

describe("ReplyParser", () => {
  it("knows every kind of answer of the second protocol", () => {
    const replies = parse(
      "+OK\r\n",
      ":-42\r\n",
      "$5\r\na\r\nb\n\r\n",
      "$-1\r\n",
      "$0\r\n\r\n",
      "*-1\r\n",
      "*0\r\n",
      "*2\r\n$1\r\n0\r\n*1\r\n$1\r\nk\r\n",
    );
    const [ok, number, bulk, ...rest] = replies;
    expect([String(ok), number, String(bulk)]).toEqual(["OK", -42, "a\r\nb\n"]);
    expect(rest).toEqual([null, Buffer.alloc(0), null, [], [Buffer.from("0"), [Buffer.from("k")]]]);
  });

  it("gives errors as values with their first word", () => {
    const [error, unnamed] = parse("-WRONGPASS no such user\r\n-oh no\r\n");
    expect(error).toBeInstanceOf(RedisReplyError);
    expect(error).toMatchObject({ word: "WRONGPASS", message: "WRONGPASS no such user" });
    expect(unnamed).toMatchObject({ word: "" });
  });

  it("gives the same answers however the bytes are cut", () => {
    const text = "*3\r\n$3\r\nab\u0001\r\n*2\r\n:7\r\n-ERR x\r\n$-1\r\n+PONG\r\n$4\r\n\r\n\r\n\r\n";
    const whole = parse(text);
    expect(whole).toHaveLength(3);
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat({ max: text.length }), { maxLength: 12 }), (cuts) => {
        const ends = [...cuts.sort((a, b) => a - b), text.length];
        const chunks = ends.map((end, index) => text.slice(ends[index - 1] ?? 0, end));
        expect(parse(...chunks)).toEqual(whole);
      }),
    );
  });

  it.each([
    ["a page of the web", "HTTP/1.1 400 Bad Request\r\n"],
    ["a push of the third protocol", ">1\r\n_\r\n"],
    ["a value that claims to be endless", "$9999999999\r\n"],
    ["a value of a negative length", "$-2\r\n"],
    ["a length that is no number", "$1e3\r\n"],
    ["a list that claims to be endless", "*2000000000\r\n"],
    ["lists in lists", "*1\r\n".repeat(REPLY_LIMITS.depth + 1)],
    ["many lists", `*2\r\n*${String(REPLY_LIMITS.items)}\r\n`],
    ["a line without an end", "+".padEnd(REPLY_LIMITS.lineBytes + 2, "x")],
    ["a value that does not end where it should", "$1\r\nabc"],
  ])("refuses %s", (_title, text) => {
    expect(() => parse(text)).toThrow(RedisProtocolError);
  });

  it("refuses an answer whose parts are large together", () => {
    const part = Buffer.alloc(REPLY_LIMITS.bulkBytes);
    const head = `$${String(part.length)}\r\n`;
    expect(() => parse("*3\r\n", head, part, "\r\n", head, part, "\r\n", head)).toThrow(
      "the answer is too large",
    );
  });
});

/**
 * Text from data never reaches a terminal as it is: a record could move the cursor, set the title or reverse the
 * reading order of a line. What is not plainly visible is written out as an escape.
 */

// Control characters, marks of direction, separators of lines, invisible fillers, lone surrogates.
// The zero-width joiner stays: emoji are made with it.
const INVISIBLE =
  /[\p{Cc}\u00ad\u061c\u180e\u200b\u200c\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\p{Cs}\u{e0000}-\u{e0fff}]/gu;

const SHORT: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** The same text on one line, safe to print. */
export function escapeText(text: string): string {
  return text.replace(INVISIBLE, escapeOne);
}

/** As `escapeText`, but line breaks stay; for messages of several lines. */
export function escapeLines(text: string): string {
  return text.split(/\r?\n/).map(escapeText).join("\n");
}

function escapeOne(character: string): string {
  const short = SHORT[character];
  if (short !== undefined) return short;
  const code = character.codePointAt(0) ?? 0;
  if (code <= 0xff) return `\\x${code.toString(16).padStart(2, "0")}`;
  return code <= 0xffff ? `\\u${code.toString(16).padStart(4, "0")}` : `\\u{${code.toString(16)}}`;
}

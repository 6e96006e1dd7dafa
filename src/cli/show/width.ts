/** How many cells text takes on a terminal, as far as one can know without asking it. */

const ASCII = /^[\x20-\x7e]*$/;
const ZERO = /^[\p{Mn}\p{Me}\p{Cf}]+$/u;
const WIDE =
  /\p{Emoji_Presentation}|\ufe0f|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{16fe0}-\u{18aff}\u{1b000}-\u{1b2ff}\u{20000}-\u{3fffd}]/u;

/** Text beyond this many characters is cut before it is measured: nothing shown is that long. */
const MEASURED_CHARACTERS_MAX = 4096;

let segmenter: Intl.Segmenter | undefined;

/** Cells of text that holds no control characters. */
export function displayWidth(text: string): number {
  if (ASCII.test(text)) return text.length;
  let width = 0;
  for (const grapheme of graphemes(text)) width += graphemeWidth(grapheme);
  return width;
}

/** The text, or as much of its beginning as fits with an ellipsis into this many cells. */
export function truncateToWidth(text: string, cells: number): string {
  if (text.length <= cells && ASCII.test(text)) return text;
  const measured = text.length > MEASURED_CHARACTERS_MAX ? text.slice(0, MEASURED_CHARACTERS_MAX) : text;
  if (measured.length === text.length && displayWidth(text) <= cells) return text;
  if (cells < 1) return "";
  let kept = "";
  let width = 0;
  for (const grapheme of graphemes(measured)) {
    const next = graphemeWidth(grapheme);
    if (width + next > cells - 1) break;
    kept += grapheme;
    width += next;
  }
  return `${kept}…`;
}

/** Fills with blanks up to this many cells, on the side that is not the text's. */
export function padToWidth(text: string, cells: number, side: "left" | "right"): string {
  const blanks = " ".repeat(Math.max(0, cells - displayWidth(text)));
  return side === "right" ? blanks + text : text + blanks;
}

function* graphemes(text: string): Generator<string> {
  segmenter ??= new Intl.Segmenter("en", { granularity: "grapheme" });
  for (const { segment } of segmenter.segment(text)) yield segment;
}

function graphemeWidth(grapheme: string): number {
  if (ASCII.test(grapheme)) return grapheme.length;
  if (ZERO.test(grapheme)) return 0;
  return WIDE.test(grapheme) ? 2 : 1;
}

/** Longest runs of letters, marks and digits. */
const WORDS = /[\p{L}\p{M}\p{N}]+/gu;
const ASCII_WORDS = /[a-z0-9]+/g;
const BEYOND_ASCII = /[^\0-\x7f]/;
const NONE: readonly string[] = [];

/**
 * The words of a text, in order: longest runs of letters, marks and digits of every script, each lower-cased by
 * itself. So what a word becomes never depends on what stands around it (a Greek sigma looks at its neighbours), and
 * a word can be taken out of the text first.
 */
export function wordsOf(text: string): readonly string[] {
  if (!BEYOND_ASCII.test(text)) return text.toLowerCase().match(ASCII_WORDS) ?? NONE;
  return text.match(WORDS)?.map((word) => word.toLowerCase()) ?? NONE;
}

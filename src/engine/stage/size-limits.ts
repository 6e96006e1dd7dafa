/** What V8 and Node throw where something is too large, as the text of the error begins, and what can be done about it. */
interface SizeLimit {
  readonly text: RegExp;
  readonly advice: string;
  /** Whether it hangs on how much memory is free just then. */
  readonly passing: boolean;
}

const LIMITS: readonly SizeLimit[] = [
  {
    text: /^RangeError: Array buffer allocation failed/,
    advice:
      "There is no memory for a buffer of this size. Work on smaller pieces, or give the run more memory.",
    passing: true,
  },
  {
    text: /^(?:RangeError: Invalid string length|Error: Cannot create a string longer than)/,
    advice:
      "A text holds half a billion characters at most, whatever the memory. Keep it in parts, or as bytes.",
    passing: false,
  },
  {
    text: /^RangeError: (?:Map|Set) maximum size exceeded/,
    advice:
      "A Map or Set holds some 16 million entries at most, whatever the memory. Let countBy or groupBy hold them.",
    passing: false,
  },
];

export const sizeLimitOf = (text: string): SizeLimit | undefined =>
  LIMITS.find((limit) => limit.text.test(text));

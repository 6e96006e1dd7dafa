/**
 * The bytes of one column of values: a layout byte and then, little-endian, for `n` rows:
 *
 * | layout | content |
 * |---|---|
 * | constant | the one value: u32 length, `ValueCodec` bytes |
 * | undefined, null | nothing |
 * | int8, int16, int32, float64 | n numbers, aligned |
 * | boolean | n bytes |
 * | ascii, latin1, utf8, utf16le | u8 width of a length, n lengths (in bytes; utf16le: in units), the text of all |
 * | tuple | u32 elements, then a column for each: arrays of one length |
 * | record | u32 fields, a column of names, then a column for each: objects with the same fields in the same order |
 * | optional | n bytes (0 undefined, 1 null, 2 present), u32 present, a column of what is present |
 * | general | u32 length, `ValueCodec` bytes of the array of all |
 *
 * What is aligned begins at a multiple of its width, counted from the start of the frame. Lengths are aligned, too.
 *
 * The layout follows from the values alone, so equal input gives equal bytes. The numbers are on disk: never reuse.
 */
export const LAYOUT = {
  constant: 0,
  undefined: 1,
  null: 2,
  int8: 3,
  int16: 4,
  int32: 5,
  float64: 6,
  boolean: 7,
  latin1: 8,
  utf16le: 9,
  tuple: 10,
  record: 11,
  optional: 12,
  general: 13,
  ascii: 14,
  utf8: 15,
} as const;

export const ABSENT_UNDEFINED = 0;
export const ABSENT_NULL = 1;
export const PRESENT = 2;

/** Wider or deeper values go through the general codec: a column of few rows costs more than it saves. */
export const TUPLE_ELEMENTS_MAX = 16;
export const RECORD_FIELDS_MAX = 256;
export const COLUMN_DEPTH_MAX = 6;

/** Longer texts are written and read string by string, far from the longest string an engine allows. */
export const JOINED_UNITS_MAX = 1 << 24;

/** UTF-8 is taken instead of UTF-16 up to this share of its bytes: it takes longer to read. */
export const UTF8_SHARE_MAX = 0.75;

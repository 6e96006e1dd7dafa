/**
 * The bytes of one column of values: a layout byte and then, little-endian, for `n` rows:
 *
 * | layout | content |
 * |---|---|
 * | undefined, null | nothing |
 * | boolean | n codes of 2 |
 * | int8 to uint32, float64 | n numbers |
 * | bigint | n numbers of 64 bits with a sign |
 * | date | n numbers: milliseconds since 1970, NaN for an invalid one |
 * | ascii, latin1, utf8, utf16le | n lengths (in bytes; utf16le: in units), the text of all |
 * | dictionary | u8 entries - 1, n codes, a column of the entries, which are texts |
 * | tuple | u8 elements, then a column for each: arrays of one length |
 * | list | n lengths, then, if there are any, a column of the elements of all: arrays of any lengths |
 * | record | u32 fields, a column of names, then a column for each: objects with the same fields in the same order |
 * | union | u8 parts - 1, n codes, then for each part: u32 rows, and a column of these; each part has a row |
 * | general | u32 length, `ValueCodec` bytes of the array of all |
 *
 * Numbers are aligned: they begin at a multiple of their width, counted from the start of the frame. Lengths are a
 * byte that says their width, and numbers. Codes count from 0 and take as few bits of 0, 1, 2, 4 and 8 as hold all
 * there may be; a byte is filled from its lowest bit on.
 *
 * The layout follows from the values alone, so equal input gives equal bytes. The numbers are on disk: never reuse.
 */
export const LAYOUT = {
  undefined: 1,
  null: 2,
  boolean: 3,
  int8: 4,
  int16: 5,
  int32: 6,
  uint8: 7,
  uint16: 8,
  uint32: 9,
  float64: 10,
  bigint: 11,
  date: 12,
  ascii: 13,
  latin1: 14,
  utf8: 15,
  utf16le: 16,
  dictionary: 17,
  tuple: 18,
  list: 19,
  record: 20,
  union: 21,
  general: 22,
} as const;

/** What is wider, deeper or longer goes through the general codec: a column of few rows costs more than it saves. */
export const TUPLE_ELEMENTS_MAX = 16;
export const RECORD_FIELDS_MAX = 256;
export const COLUMN_DEPTH_MAX = 6;

/** Of a union, and entries of a dictionary: as many as a byte tells apart. */
export const CODES_MAX = 256;
/** Objects with more different fields than this in one frame share a part of a union, in the general codec. */
export const SHAPES_MAX = 32;

/** Values of all columns of one frame, those inside others too. More of them would be much memory from few bytes. */
export const CELLS_MAX = 1 << 22;

/** UTF-8 is taken instead of UTF-16 up to this share of its bytes: it takes longer to read. */
export const UTF8_SHARE_MAX = 0.75;

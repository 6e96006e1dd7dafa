/*
 * Groups the records of CSV and JSON lines by one field and folds another, in WebAssembly: the hot loop behind
 * keyBy(field).sumBy(field) and its like.
 *
 * Records come in pieces of whole ones. Whatever is not certain (a doubled quote, an escape, a number of too many
 * digits, anything that may be wrong) stops the scan before its record, and the other side reads that record strictly
 * and enters what it found. So the kernel never decides that a record is wrong.
 *
 * Owns its whole memory. Invariants:
 * 1. Every key has a place in `order`, by first arrival; both tables are at most half full.
 * 2. A key of up to 16 bytes stands in its slot, padded with zeros, with its length; a number as its 8 bytes.
 *    Longer keys stand in the arena, which is last in memory and the only thing that grows.
 * 3. Text beyond ASCII is entered by the other side only, which knows what it decodes to. Bytes that were entered so
 *    are found here from then on; 0xff, which UTF-8 does not have, marks keys that no bytes of a file are.
 * 4. Values of a key are folded in the order of the records, as JavaScript's doubles would be.
 *
 * Compiled by `node scripts/kernel.mjs`.
 */
#include <stdint.h>
#include <wasm_simd128.h>

#define EXPORT(name) __attribute__((export_name(name)))
#define IMPORT(name) __attribute__((import_module("env"), import_name(name)))
#define INLINE static inline __attribute__((always_inline))
#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)

#define INPUT_BYTES (320u * 1024)
#define VECTOR 16u
#define ENTRIES_MAX (1u << 17)
#define SLOT_BITS 18
#define SLOTS (1u << SLOT_BITS)
#define SLOT_MASK (SLOTS - 1)
#define ROLES_MAX 4096u
#define NAMES_MAX 128u
#define NAMES_BYTES (16u * 1024)
#define GATHER_ROWS_MAX 8192u
#define GATHER_BYTES_MAX (512u * 1024)
#define PAGE_BYTES 65536u
#define GROW_PAGES 16u
/* In `order`: the slot is one of the table of long keys; the key is null. */
#define LONG_KEY 0x80000000u
#define NULL_KEY 0xffffffffu
/* More digits are not put together here. */
#define DIGITS_MAX 19u
#define EXACT_MAX 9007199254740992ull
#define POWERS 23u
#define DEPTH_MAX 30u

enum { COUNT, SUM, MIN, MAX, AVERAGE };
/* What a column, or a field with a known name, is for. Those that are not used must be of their types all the same. */
enum { UNUSED, KEY, VALUE, TEXT, NUMBER, BOOLEAN };
#define ROLE 0x0fu
/* May be empty, or null. */
#define OPTIONAL 0x10u

typedef struct {
  uint64_t low, high;
  double value;
  /* Values folded; where they are not counted, whether there is one. `tag`: length + 1; 0: free. */
  uint32_t count, tag;
} ShortSlot;

typedef struct {
  double value;
  uint32_t hash, address, length, count;
} LongSlot;

/* Written by the other side; wasm-group-table.ts has them in this order. */
typedef struct {
  uint32_t operation, key_is_number;
  /* CSV. `quote`: a line feed where there is none. */
  uint32_t delimiter, quote, columns;
  /* JSON. `required`: the bits of the names that every record must have. */
  uint32_t names, required;
  /* When the table is full; what an entry counts for beside its text. */
  uint32_t entries_max, bytes_max, entry_bytes, text_bytes, number_bytes, value_bytes;
} Options;

typedef struct {
  uint32_t entries, full, records;
} Figures;

typedef struct {
  uint32_t options, figures, input, roles, names, name_lengths, name_bits, hashes, sizes, lengths, keys_at, picked, keys, key_lengths,
      values, counts;
} Addresses;

extern uint8_t __heap_base;

/* The number that [at, at + length) is as text, for what is not exact here. */
IMPORT("number") double number_of(const uint8_t *at, uint32_t length);

static Options options;
static Figures figures;
static uint8_t input[INPUT_BYTES + 64] __attribute__((aligned(64)));
static uint8_t names[NAMES_BYTES + VECTOR] __attribute__((aligned(16)));
static uint32_t name_lengths[NAMES_MAX];
static uint32_t name_bits[NAMES_MAX];
/* Of the columns, or of the names. */
static uint8_t roles[ROLES_MAX];
static ShortSlot short_slots[SLOTS] __attribute__((aligned(64)));
static LongSlot long_slots[SLOTS] __attribute__((aligned(64)));
static struct {
  double value;
  uint32_t count;
} null_slot;
static int has_null;
static uint32_t order[ENTRIES_MAX];
static uint32_t hashes[ENTRIES_MAX];
static uint32_t sizes[ENTRIES_MAX];
static uint32_t lengths[ENTRIES_MAX];
static uint32_t keys_at[ENTRIES_MAX];
static uint32_t picked[GATHER_ROWS_MAX];
static uint8_t keys[GATHER_BYTES_MAX + VECTOR] __attribute__((aligned(16)));
static uint32_t key_lengths[GATHER_ROWS_MAX];
static double values[GATHER_ROWS_MAX];
static uint32_t counts[GATHER_ROWS_MAX];
static uint32_t bytes_held;
static const double negative_zero[2] = {-0.0, 0};
static uint8_t *arena_end;

/* From here on: one vector with the first n bytes set, at 16 - n. */
static const uint8_t prefixes[2 * VECTOR] __attribute__((aligned(16))) = {
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
static const double powers[POWERS] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                      1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

INLINE v128_t load(const void *at) { return wasm_v128_load(at); }
INLINE v128_t prefix(uint32_t bytes) { return load(prefixes + VECTOR - bytes); }
INLINE v128_t is_byte(v128_t bytes, uint32_t byte) { return wasm_i8x16_eq(bytes, wasm_i8x16_splat(byte)); }
INLINE uint64_t word_at(const void *at) {
  uint64_t word;
  __builtin_memcpy(&word, at, 8);
  return word;
}
INLINE uint64_t bits_of(double number) {
  uint64_t bits;
  __builtin_memcpy(&bits, &number, 8);
  return bits;
}

/* ---- The table -------------------------------------------------------------------------------------------- */

INLINE void fold(double *held, uint32_t *count, double value, int is_there) {
  switch (options.operation) {
  case COUNT:
    ++*count;
    return;
  case SUM:
    if (!is_there) return;
    *held = *count ? *held + value : value;
    *count = 1;
    return;
  case AVERAGE:
    if (!is_there) return;
    *held = *count ? *held + value : value;
    ++*count;
    return;
  case MIN:
    if (!is_there) return;
    if (!*count || value < *held) *held = value;
    *count = 1;
    return;
  default:
    if (!is_there) return;
    if (!*count || value > *held) *held = value;
    *count = 1;
  }
}

/* For slots only: partitions go by the engine's hash. */
INLINE uint64_t mixed_hash(uint64_t low, uint64_t high) {
  uint64_t hash = (low ^ 0x9e3779b97f4a7c15ull) * 0xbf58476d1ce4e5b9ull;
  hash ^= (high + 0x2545f4914f6cdd1dull) * 0x94d049bb133111ebull;
  hash ^= hash >> 32;
  return hash * 0xd6e8feb86659fd93ull;
}

/* The engine's hashes of text and numbers (base/hash.ts). */
static uint32_t finished_hash(uint32_t hash) {
  hash = (hash ^ hash >> 16) * 0x85ebca6bu;
  hash = (hash ^ hash >> 13) * 0xc2b2ae35u;
  return hash ^ hash >> 16;
}

static uint32_t text_hash(const uint8_t *text, uint32_t length) {
  uint32_t hash = 0x811c9dc5u;
  for (uint32_t at = 0; at < length; at++) hash = (hash ^ text[at]) * 0x01000193u;
  return finished_hash(hash);
}

static uint32_t number_hash(double number) {
  if (number >= -2147483648.0 && number <= 2147483647.0) {
    int32_t whole = (int32_t)number;
    if ((double)whole == number) return finished_hash((uint32_t)whole ^ 0x9e3779b9u);
  }
  uint64_t bits = bits_of(number);
  return finished_hash((uint32_t)(bits >> 32) ^ (uint32_t)bits * 0x85ebca6bu);
}

/* `key`: where it stands from now on; 0 for null. */
static void add_entry(uint32_t place, const void *key, uint32_t length, uint32_t hash, uint32_t size) {
  order[figures.entries] = place;
  keys_at[figures.entries] = (uint32_t)key;
  lengths[figures.entries] = length;
  hashes[figures.entries] = hash;
  sizes[figures.entries] = size;
  figures.entries++;
  bytes_held += options.entry_bytes + size;
  figures.full = figures.entries >= options.entries_max || bytes_held >= options.bytes_max;
}

static uint32_t text_size(uint32_t units) { return options.text_bytes + units + options.value_bytes; }

/* Text that is not in the table yet and that this side enters: ASCII. */
#define MAY_ENTER 1
/* From the other side: with its hash and its length in UTF-16 units. */
#define IS_GIVEN 2

typedef struct {
  uint32_t flags, hash, units;
} Entering;

/* False where the key is none of the table's, and may not be entered. */
INLINE int fold_short_at(uint32_t at, uint64_t low, uint64_t high, uint32_t length, double value, int is_there,
                         Entering entering) {
  for (;; at = (at + 1) & SLOT_MASK) {
    ShortSlot *slot = &short_slots[at];
    if (slot->low == low && slot->high == high && slot->tag == length + 1) {
      fold(&slot->value, &slot->count, value, is_there);
      return 1;
    }
    if (slot->tag == 0) {
      if (UNLIKELY(!entering.flags)) return 0;
      slot->low = low;
      slot->high = high;
      slot->tag = length + 1;
      slot->count = 0;
      fold(&slot->value, &slot->count, value, is_there);
      if (entering.flags == IS_GIVEN) add_entry(at, slot, length, entering.hash, text_size(entering.units));
      else add_entry(at, slot, length, text_hash((uint8_t *)slot, length), text_size(length));
      return 1;
    }
  }
}

INLINE uint32_t slot_of(uint64_t low, uint64_t high) { return mixed_hash(low, high) >> (64 - SLOT_BITS); }

INLINE int fold_short(v128_t key, uint32_t length, double value, int is_there, Entering entering) {
  uint64_t low = wasm_i64x2_extract_lane(key, 0), high = wasm_i64x2_extract_lane(key, 1);
  return fold_short_at(slot_of(low, high), low, high, length, value, is_there, entering);
}

/* -0 is the same key as 0. */
INLINE uint64_t number_bits(double key) { return key == 0 ? 0 : bits_of(key); }

INLINE int fold_number_at(uint32_t at, double key, double value, int is_there) {
  uint64_t low = number_bits(key);
  for (;; at = (at + 1) & SLOT_MASK) {
    ShortSlot *slot = &short_slots[at];
    if (slot->low == low && slot->tag) {
      fold(&slot->value, &slot->count, value, is_there);
      return 1;
    }
    if (slot->tag == 0) {
      /* Whether it is called by 0 or -0 depends on which came first. */
      slot->low = low;
      slot->high = 0;
      slot->tag = 1 + sizeof(double);
      slot->count = 0;
      fold(&slot->value, &slot->count, value, is_there);
      const void *stands_at = bits_of(key) == low ? (const void *)slot : negative_zero;
      add_entry(at, stands_at, sizeof(double), number_hash(key), options.number_bytes + options.value_bytes);
      return 1;
    }
  }
}

static int fold_number(double key, double value, int is_there) {
  return fold_number_at(slot_of(number_bits(key), 0), key, value, is_there);
}

static uint32_t long_hash(const uint8_t *key, uint32_t length) {
  uint64_t hash = length;
  for (uint32_t at = 0; at < length; at += VECTOR) {
    uint32_t left = length - at;
    v128_t part = wasm_v128_and(load(key + at), prefix(left < VECTOR ? left : VECTOR));
    hash = mixed_hash(hash ^ wasm_i64x2_extract_lane(part, 0), wasm_i64x2_extract_lane(part, 1));
  }
  return (uint32_t)(hash >> 32);
}

static int same_bytes(const uint8_t *a, const uint8_t *b, uint32_t length) {
  for (uint32_t at = 0; at < length; at += VECTOR) {
    uint32_t left = length - at;
    v128_t differing = wasm_v128_and(wasm_v128_xor(load(a + at), load(b + at)), prefix(left < VECTOR ? left : VECTOR));
    if (wasm_v128_any_true(differing)) return 0;
  }
  return 1;
}

static void make_room(uint32_t bytes) {
  uint64_t end = (uint64_t)(uint32_t)arena_end + bytes + VECTOR;
  uint64_t held = (uint64_t)__builtin_wasm_memory_size(0) * PAGE_BYTES;
  if (end <= held) return;
  uint32_t pages = (uint32_t)((end - held) / PAGE_BYTES) + GROW_PAGES;
  if (__builtin_wasm_memory_grow(0, pages) == (uint32_t)-1) __builtin_trap();
}

static __attribute__((noinline)) int fold_long(const uint8_t *key, uint32_t length, double value, int is_there,
                                               Entering entering) {
  uint32_t hash = long_hash(key, length);
  for (uint32_t at = hash & SLOT_MASK;; at = (at + 1) & SLOT_MASK) {
    LongSlot *slot = &long_slots[at];
    if (slot->length == 0) {
      if (!entering.flags) return 0;
      make_room(length);
      __builtin_memmove(arena_end, key, length);
      *slot = (LongSlot){0, hash, (uint32_t)arena_end, length, 0};
      arena_end += (length + VECTOR - 1) & ~(VECTOR - 1);
      fold(&slot->value, &slot->count, value, is_there);
      const uint32_t place = at | LONG_KEY;
      const void *stored = (const void *)slot->address;
      if (entering.flags == IS_GIVEN) add_entry(place, stored, length, entering.hash, text_size(entering.units));
      else add_entry(place, stored, length, text_hash(key, length), text_size(length));
      return 1;
    }
    if (slot->hash == hash && slot->length == length && same_bytes((uint8_t *)slot->address, key, length)) {
      fold(&slot->value, &slot->count, value, is_there);
      return 1;
    }
  }
}

static int fold_null(double value, int is_there) {
  if (!has_null) {
    has_null = 1;
    null_slot.count = 0;
    fold(&null_slot.value, &null_slot.count, value, is_there);
    /* The engine's hash of null, which takes as much as a number. */
    add_entry(NULL_KEY, 0, 0, 0x5bd1e995u, options.number_bytes + options.value_bytes);
  } else fold(&null_slot.value, &null_slot.count, value, is_there);
  return 1;
}

/* ---- What the two formats share ----------------------------------------------------------------------------- */

/* What was read of a record. */
typedef struct {
  const uint8_t *text;
  uint32_t length;
  double number, value;
  int has_key, has_value;
} Record;

static int has_mark(const uint8_t *text, uint32_t length) {
  for (uint32_t at = 0; at < length; at++)
    if (text[at] == 0xff) return 1;
  return 0;
}

static __attribute__((noinline)) int fold_high(const Record *record) {
  if (has_mark(record->text, record->length)) return 0;
  Entering entering = {0, 0, 0};
  if (record->length > VECTOR)
    return fold_long(record->text, record->length, record->value, record->has_value, entering);
  v128_t key = wasm_v128_and(load(record->text), prefix(record->length));
  return fold_short(key, record->length, record->value, record->has_value, entering);
}

/*
 * Short keys wait here, so that the slots of many are fetched at the same time: a table of many keys is larger than
 * the caches, and its slots come in no order that a processor could foresee.
 */
#define WAITING_MAX 64u

typedef struct {
  uint64_t low, high;
  double key, value;
  uint32_t slot, length;
  int has_value;
  /* Behind the record. */
  const uint8_t *end;
} Waiting;

static Waiting waiting[WAITING_MAX];
static uint32_t waiting_count;

/* Folds what waits, in order. Returns 0, or the end of the record that made the table full; what waits behind it is
 * forgotten. */
INLINE const uint8_t *fold_waiting(void) {
  uint32_t count = waiting_count;
  waiting_count = 0;
  for (uint32_t at = 0; at < count; at++) (void)*(volatile uint32_t *)&short_slots[waiting[at].slot].tag;
  Entering entering = {MAY_ENTER, 0, 0};
  for (uint32_t at = 0; at < count; at++) {
    const Waiting *next = &waiting[at];
    if (options.key_is_number) fold_number_at(next->slot, next->key, next->value, next->has_value);
    else fold_short_at(next->slot, next->low, next->high, next->length, next->value, next->has_value, entering);
    figures.records++;
    if (UNLIKELY(figures.full)) return next->end;
  }
  return 0;
}

enum { FOLDED, FULL, UNCERTAIN };

/* Of a record whose key is null, long, or beyond ASCII: what waits is before it. */
static __attribute__((noinline)) int fold_at_once(const Record *record, const uint8_t **end) {
  const uint8_t *full_at = fold_waiting();
  if (full_at) {
    *end = full_at;
    return FULL;
  }
  Entering entering = {MAY_ENTER, 0, 0};
  int is_folded;
  if (!record->has_key) is_folded = fold_null(record->value, record->has_value);
  else {
    int is_high = 0;
    for (uint32_t at = 0; at < record->length; at += VECTOR) {
      uint32_t left = record->length - at;
      is_high |= wasm_i8x16_bitmask(wasm_v128_and(load(record->text + at), prefix(left < VECTOR ? left : VECTOR)));
    }
    is_folded = is_high ? fold_high(record)
                        : fold_long(record->text, record->length, record->value, record->has_value, entering);
  }
  if (!is_folded) return UNCERTAIN;
  figures.records++;
  return figures.full ? FULL : FOLDED;
}

/* Takes a record that ends at `*end`. Where the table is full, `*end` is where the last record taken ends. */
INLINE int fold_record(const Record *record, const uint8_t **end) {
  Waiting *next = &waiting[waiting_count];
  if (UNLIKELY(!record->has_key)) return fold_at_once(record, end);
  if (options.key_is_number) {
    next->key = record->number;
    next->slot = slot_of(number_bits(record->number), 0);
  } else {
    if (record->length > VECTOR) return fold_at_once(record, end);
    v128_t key = wasm_v128_and(load(record->text), prefix(record->length));
    if (UNLIKELY(wasm_i8x16_bitmask(key))) return fold_at_once(record, end);
    next->low = wasm_i64x2_extract_lane(key, 0);
    next->high = wasm_i64x2_extract_lane(key, 1);
    next->slot = slot_of(next->low, next->high);
    next->length = record->length;
  }
  next->value = record->value;
  next->has_value = record->has_value;
  next->end = *end;
  if (++waiting_count < WAITING_MAX) return FOLDED;
  const uint8_t *full_at = fold_waiting();
  if (!full_at) return FOLDED;
  *end = full_at;
  return FULL;
}

/* At the end of a scan that came to `p`; returns how far records were taken. */
INLINE uint32_t finish_scan(const uint8_t *p) {
  const uint8_t *full_at = fold_waiting();
  return (full_at ? full_at : p) - input;
}

INLINE int is_word(const uint8_t *p, const char *word, uint32_t length) {
  for (uint32_t at = 0; at < length; at++)
    if (p[at] != (uint8_t)word[at]) return 0;
  return 1;
}

INLINE int is_digit(uint32_t byte) { return byte - '0' <= 9; }

/* The text of a number that is not exact in the loop below: 0 where it is not finite. */
static __attribute__((noinline)) int number_by_text(const uint8_t *at, uint32_t length, double *number) {
  *number = number_of(at, length);
  return __builtin_isfinite(*number);
}

/* Digits with an optional sign and point; returns where they end, or 0. JSON asks for a digit before and behind it. */
INLINE const uint8_t *take_decimal(const uint8_t *p, double *number, const int is_json) {
  const uint8_t *start = p;
  int minus = *p == '-';
  if (minus) p++;
  const uint8_t *first = p;
  uint64_t whole = 0;
  uint32_t fraction = 0;
  while (is_digit(*p)) whole = whole * 10 + (*p++ - '0');
  uint32_t digits = p - first;
  if (is_json && (digits == 0 || (digits > 1 && *first == '0'))) return 0;
  if (*p == '.') {
    const uint8_t *point = ++p;
    while (is_digit(*p)) whole = whole * 10 + (*p++ - '0');
    fraction = p - point;
    digits += fraction;
    if (is_json && fraction == 0) return 0;
  }
  if (digits == 0) return 0;
  if (UNLIKELY((*p | 0x20) == 'e')) {
    if (!is_json) return 0;
    p++;
    if (*p == '+' || *p == '-') p++;
    if (!is_digit(*p)) return 0;
    while (is_digit(*p)) p++;
    return number_by_text(start, p - start, number) ? p : 0;
  }
  /* Both numbers are exact, and their quotient is rounded once: it is the double nearest to the text. */
  if (UNLIKELY(digits > DIGITS_MAX || whole > EXACT_MAX || fraction >= POWERS))
    return number_by_text(start, p - start, number) ? p : 0;
  double exact = (double)whole;
  if (fraction) exact /= powers[fraction];
  *number = minus ? -exact : exact;
  return p;
}

/* ---- CSV ---------------------------------------------------------------------------------------------------- */

/* The first delimiter, line feed or quote from here on. */
INLINE const uint8_t *find_special(const uint8_t *p, v128_t delimiters, v128_t quotes) {
  for (;; p += VECTOR) {
    v128_t bytes = load(p);
    v128_t found = wasm_v128_or(wasm_v128_or(wasm_i8x16_eq(bytes, delimiters), wasm_i8x16_eq(bytes, quotes)),
                                is_byte(bytes, '\n'));
    uint32_t bits = wasm_i8x16_bitmask(found);
    if (bits) return p + __builtin_ctz(bits);
  }
}

/* The quote that closes the field whose text begins here; 0 where there is none, or where it is one of two. */
static const uint8_t *find_close(const uint8_t *p, const uint8_t *end, int *is_doubled) {
  uint32_t quote = options.quote;
  for (;; p += 2) {
    while (p < end && *p != quote) p++;
    if (p >= end) return 0;
    if (p[1] != quote) return p;
    *is_doubled = 1;
  }
}

/* Behind the end of a field at `p`, where a delimiter must stand or, behind the last, a line's end; or 0. */
INLINE const uint8_t *field_end(const uint8_t *p, int is_last) {
  if (!is_last) return *p == options.delimiter ? p + 1 : 0;
  if (*p == '\r') p++;
  return *p == '\n' ? p + 1 : 0;
}

INLINE const uint8_t *take_text(const uint8_t *p, const uint8_t *end, int is_last, v128_t delimiters, v128_t quotes,
                                const uint8_t **text, uint32_t *length, int *is_doubled) {
  if (UNLIKELY(*p == options.quote && options.quote != '\n')) {
    *text = p + 1;
    const uint8_t *close = find_close(p + 1, end, is_doubled);
    if (!close) return 0;
    *length = close - *text;
    return field_end(close + 1, is_last);
  }
  const uint8_t *stop = find_special(p, delimiters, quotes);
  *text = p;
  *length = stop - p;
  if (!is_last) return *stop == options.delimiter ? stop + 1 : 0;
  if (*stop != '\n') return 0;
  if (*length && stop[-1] == '\r') --*length;
  return stop + 1;
}

/* A number, or nothing: `is_there` says which. Returns behind the field, or 0. */
INLINE const uint8_t *take_number(const uint8_t *p, int is_last, int is_optional, double *number, int *is_there) {
  int is_quoted = *p == options.quote && options.quote != '\n';
  if (UNLIKELY(is_quoted)) p++;
  const uint8_t *stop = take_decimal(p, number, 0);
  *is_there = stop != 0;
  if (UNLIKELY(!stop)) {
    if (!is_optional) return 0;
    stop = p;
  }
  if (UNLIKELY(is_quoted)) {
    if (*stop != options.quote) return 0;
    stop++;
  }
  return field_end(stop, is_last);
}

/* One of the ways in which most files write it. */
INLINE int is_boolean(const uint8_t *text, uint32_t length) {
  switch (length) {
  case 1:
    return *text == '0' || *text == '1';
  case 4:
    return is_word(text, "true", 4);
  case 5:
    return is_word(text, "false", 5);
  default:
    return 0;
  }
}

INLINE const uint8_t *take_csv_record(const uint8_t *p, const uint8_t *end, Record *record, v128_t delimiters,
                                      v128_t quotes) {
  const uint32_t last = options.columns - 1;
  const uint8_t *text;
  uint32_t length;
  double number;
  int is_there, is_doubled;
  record->has_key = record->has_value = 0;
  for (uint32_t column = 0; column <= last; column++) {
    const uint32_t role = roles[column] & ROLE, is_optional = roles[column] & OPTIONAL;
    is_doubled = 0;
    if (role == UNUSED || role == TEXT) {
      p = take_text(p, end, column == last, delimiters, quotes, &text, &length, &is_doubled);
    } else if (role == VALUE) {
      p = take_number(p, column == last, is_optional, &record->value, &record->has_value);
    } else if (role == NUMBER) {
      p = take_number(p, column == last, is_optional, &number, &is_there);
    } else if (role == BOOLEAN) {
      p = take_text(p, end, column == last, delimiters, quotes, &text, &length, &is_doubled);
      if (UNLIKELY(p && !is_boolean(text, length) && !(is_optional && length == 0))) return 0;
    } else if (options.key_is_number) {
      p = take_number(p, column == last, is_optional, &record->number, &record->has_key);
    } else {
      p = take_text(p, end, column == last, delimiters, quotes, &record->text, &record->length, &is_doubled);
      if (UNLIKELY(is_doubled)) return 0;
      record->has_key = record->length > 0 || !is_optional;
    }
    if (UNLIKELY(!p)) return 0;
  }
  return p;
}

/* Takes records of the input's bytes [from, to), behind whose last a line feed stands. Returns up to where. */
EXPORT("scan_csv") uint32_t scan_csv(uint32_t from, uint32_t to) {
  const uint8_t *p = input + from, *end = input + to;
  v128_t delimiters = wasm_i8x16_splat(options.delimiter), quotes = wasm_i8x16_splat(options.quote);
  Record record;
  figures.records = 0;
  while (p < end) {
    if (UNLIKELY(*p == '\n')) {
      p++;
      continue;
    }
    if (UNLIKELY(*p == '\r' && p[1] == '\n')) {
      p += 2;
      continue;
    }
    const uint8_t *next = take_csv_record(p, end, &record, delimiters, quotes);
    if (UNLIKELY(!next || next > end)) break;
    int outcome = fold_record(&record, &next);
    if (UNLIKELY(outcome == UNCERTAIN)) break;
    p = next;
    if (UNLIKELY(outcome == FULL)) return p - input;
  }
  return finish_scan(p);
}

/* ---- JSON --------------------------------------------------------------------------------------------------- */

/* The first quote, backslash or control character from here on. */
INLINE const uint8_t *find_text_end(const uint8_t *p) {
  for (;; p += VECTOR) {
    v128_t bytes = load(p);
    v128_t found = wasm_v128_or(wasm_v128_or(is_byte(bytes, '"'), is_byte(bytes, '\\')),
                                wasm_u8x16_lt(bytes, wasm_i8x16_splat(' ')));
    uint32_t bits = wasm_i8x16_bitmask(found);
    if (bits) return p + __builtin_ctz(bits);
  }
}

static const uint8_t *skip_escape(const uint8_t *p) {
  switch (*p) {
  case '"': case '\\': case '/': case 'b': case 'f': case 'n': case 'r': case 't':
    return p + 1;
  case 'u':
    for (uint32_t digit = 1; digit <= 4; digit++) {
      uint32_t lower = p[digit] | 0x20;
      if (!is_digit(p[digit]) && lower - 'a' > 5) return 0;
    }
    return p + 5;
  default:
    return 0;
  }
}

/* Behind the string whose text begins here, or 0. */
INLINE const uint8_t *skip_string(const uint8_t *p) {
  for (;;) {
    p = find_text_end(p);
    if (*p == '"') return p + 1;
    if (*p != '\\') return 0;
    p = skip_escape(p + 1);
    if (!p) return 0;
  }
}

static const uint8_t *skip_number(const uint8_t *p) {
  if (*p == '-') p++;
  if (!is_digit(*p)) return 0;
  if (*p == '0') p++;
  else while (is_digit(*p)) p++;
  if (*p == '.') {
    if (!is_digit(*++p)) return 0;
    while (is_digit(*p)) p++;
  }
  if ((*p | 0x20) != 'e') return p;
  p++;
  if (*p == '+' || *p == '-') p++;
  if (!is_digit(*p)) return 0;
  while (is_digit(*p)) p++;
  return p;
}

INLINE const uint8_t *skip_scalar(const uint8_t *p) {
  switch (*p) {
  case 't':
    return is_word(p, "true", 4) ? p + 4 : 0;
  case 'f':
    return is_word(p, "false", 5) ? p + 5 : 0;
  case 'n':
    return is_word(p, "null", 4) ? p + 4 : 0;
  default:
    return skip_number(p);
  }
}

INLINE const uint8_t *skip_blanks(const uint8_t *p) {
  while (*p == ' ' || *p == '\t') p++;
  return p;
}

/* Behind the key that begins here, its colon and the blanks around it; or 0. */
static const uint8_t *skip_name(const uint8_t *p) {
  if (*p != '"') return 0;
  p = skip_string(p + 1);
  if (!p) return 0;
  p = skip_blanks(p);
  return *p == ':' ? skip_blanks(p + 1) : 0;
}

static __attribute__((noinline)) const uint8_t *skip_nested(const uint8_t *p) {
  /* The lowest bit is of the innermost level: 1 for objects. */
  uint32_t levels = 0, depth = 0;
  for (;;) {
    if (*p == '{' || *p == '[') {
      if (depth == DEPTH_MAX) return 0;
      uint32_t is_object = *p == '{';
      p = skip_blanks(p + 1);
      if (*p != (is_object ? '}' : ']')) {
        levels = levels << 1 | is_object;
        depth++;
        if (is_object && !(p = skip_name(p))) return 0;
        continue;
      }
      p++;
    } else {
      p = *p == '"' ? skip_string(p + 1) : skip_scalar(p);
      if (!p) return 0;
    }
    for (;;) {
      if (depth == 0) return p;
      p = skip_blanks(p);
      uint32_t is_object = levels & 1;
      if (*p == ',') {
        p = skip_blanks(p + 1);
        if (is_object && !(p = skip_name(p))) return 0;
        break;
      }
      if (*p != (is_object ? '}' : ']')) return 0;
      p++;
      levels >>= 1;
      depth--;
    }
  }
}

INLINE const uint8_t *skip_value(const uint8_t *p) {
  if (*p == '"') return skip_string(p + 1);
  if (*p == '{' || *p == '[') return skip_nested(p);
  return skip_scalar(p);
}

INLINE int has_name(const uint8_t *p, const uint8_t *name, uint32_t length) {
  uint32_t at = 0;
  for (; at + 8 <= length; at += 8)
    if (word_at(p + at) != word_at(name + at)) return 0;
  if (at == length) return 1;
  return ((word_at(p + at) ^ word_at(name + at)) << (64 - 8 * (length - at))) == 0;
}

/* Behind a value of this role, or 0. */
INLINE const uint8_t *take_json_value(const uint8_t *p, uint32_t role, uint32_t is_optional, Record *record) {
  double number;
  if (role == UNUSED) return skip_value(p);
  if (is_optional && *p == 'n') return is_word(p, "null", 4) ? p + 4 : 0;
  switch (role) {
  case VALUE:
    record->has_value = 1;
    return take_decimal(p, &record->value, 1);
  case TEXT:
    return *p == '"' ? skip_string(p + 1) : 0;
  case NUMBER:
    return take_decimal(p, &number, 1);
  case BOOLEAN:
    return *p == 't' || *p == 'f' ? skip_scalar(p) : 0;
  default:
    record->has_key = 1;
    if (options.key_is_number) return take_decimal(p, &record->number, 1);
    if (*p != '"') return 0;
    record->text = p + 1;
    p = find_text_end(p + 1);
    if (*p != '"') return 0;
    record->length = p - record->text;
    return p + 1;
  }
}

/* One slot a known name, in order; one that is not there is passed over, and none is used twice. */
INLINE const uint8_t *take_json_record(const uint8_t *p, Record *record) {
  if (*p++ != '{') return 0;
  const uint8_t *name = names;
  uint32_t seen = 0;
  record->has_key = record->has_value = 0;
  for (uint32_t slot = 0; slot < options.names; name += name_lengths[slot++]) {
    uint32_t length = name_lengths[slot];
    if (!has_name(p, name, length)) continue;
    p += length;
    if (*p == ' ') p++;
    p = take_json_value(p, roles[slot] & ROLE, roles[slot] & OPTIONAL, record);
    if (UNLIKELY(!p)) return 0;
    seen |= name_bits[slot];
    if (*p == ',') {
      p++;
      if (*p == ' ') p++;
      continue;
    }
    if (*p != '}' || (seen & options.required) != options.required) return 0;
    p++;
    if (*p == '\r') p++;
    return *p == '\n' ? p + 1 : 0;
  }
  return 0;
}

/* As scan_csv. */
EXPORT("scan_json") uint32_t scan_json(uint32_t from, uint32_t to) {
  const uint8_t *p = input + from, *end = input + to;
  Record record;
  figures.records = 0;
  while (p < end) {
    const uint8_t *next = take_json_record(p, &record);
    if (UNLIKELY(!next)) break;
    int outcome = fold_record(&record, &next);
    if (UNLIKELY(outcome == UNCERTAIN)) break;
    p = next;
    if (UNLIKELY(outcome == FULL)) return p - input;
  }
  return finish_scan(p);
}

/* ---- The other side's -------------------------------------------------------------------------------------- */

EXPORT("addresses") const Addresses *addresses(void) {
  static Addresses of;
  of = (Addresses){(uint32_t)&options,    (uint32_t)&figures, (uint32_t)input,   (uint32_t)roles,
                   (uint32_t)names,        (uint32_t)name_lengths, (uint32_t)name_bits, (uint32_t)hashes,   (uint32_t)sizes,   (uint32_t)lengths,
                   (uint32_t)keys_at,      (uint32_t)picked,   (uint32_t)keys,    (uint32_t)key_lengths,
                   (uint32_t)values,       (uint32_t)counts};
  return &of;
}

/* Forgets all keys. */
EXPORT("clear") void clear(void) {
  for (uint32_t entry = 0; entry < figures.entries; entry++) {
    uint32_t place = order[entry];
    if (place == NULL_KEY) continue;
    if (place & LONG_KEY) long_slots[place & ~LONG_KEY].length = 0;
    else short_slots[place] = (ShortSlot){0, 0, 0, 0, 0};
  }
  figures = (Figures){0, 0, 0};
  bytes_held = 0;
  has_null = 0;
  arena_end = (uint8_t *)(((uint32_t)&__heap_base + VECTOR - 1) & ~(VECTOR - 1));
}

/* Where the other side puts so many bytes of a key that it enters next. */
EXPORT("reserve") uint8_t *reserve(uint32_t length) {
  make_room(length);
  return arena_end;
}

EXPORT("enter_text") void enter_text(uint32_t length, uint32_t units, uint32_t hash, double value, int is_there) {
  Entering entering = {IS_GIVEN, hash, units};
  if (length > VECTOR) fold_long(arena_end, length, value, is_there, entering);
  else fold_short(wasm_v128_and(load(arena_end), prefix(length)), length, value, is_there, entering);
}

EXPORT("enter_number") void enter_number(double key, double value, int is_there) { fold_number(key, value, is_there); }

EXPORT("enter_null") void enter_null(double value, int is_there) { fold_null(value, is_there); }

/*
 * Of the entries in `picked`: their values and counts, and their keys one after the other, with `key_lengths`; unless
 * these are too many, whose bytes are not gathered. Returns 1 where an entry has no
 * value, 2 where one is the null key, 4 where keys were not gathered.
 */
EXPORT("gather") uint32_t gather(uint32_t rows) {
  uint32_t flags = 0;
  uint8_t *to = keys, *end = keys + GATHER_BYTES_MAX;
  /* As for what waits. */
  for (uint32_t row = 0; row < rows; row++) (void)*(const volatile uint8_t *)keys_at[picked[row]];
  for (uint32_t row = 0; row < rows; row++) {
    uint32_t entry = picked[row], place = order[entry], length = lengths[entry];
    if (place == NULL_KEY) {
      values[row] = null_slot.value;
      counts[row] = null_slot.count;
      flags |= 2;
    } else if (place & LONG_KEY) {
      values[row] = long_slots[place & ~LONG_KEY].value;
      counts[row] = long_slots[place & ~LONG_KEY].count;
    } else {
      values[row] = short_slots[place].value;
      counts[row] = short_slots[place].count;
    }
    if (options.operation == COUNT) values[row] = counts[row];
    else if (!counts[row]) flags |= 1;
    key_lengths[row] = length;
    if ((flags & 6) || length > (uint32_t)(end - to)) {
      if (!(flags & 2)) flags |= 4;
      continue;
    }
    const uint8_t *key = (const uint8_t *)keys_at[entry];
    for (uint32_t at = 0; at < length; at += VECTOR) wasm_v128_store(to + at, load(key + at));
    to += length;
  }
  return flags;
}

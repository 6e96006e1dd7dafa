/*
 * Sorts and merges rows of bytes in WebAssembly: the hot loops behind sort() and sortBy().
 *
 * Keys are compared as unsigned bytes, a prefix before the longer; equal keys keep their order. The caller lays out
 * the memory and passes addresses: nothing here allocates, imports or keeps state between calls. The twin in
 * plain-sort-kernel.ts does the same on the same layout.
 *
 * A key's prefix is its next 7 bytes, padded with zeros, and how many bytes are left, at most 8, in the lowest byte:
 * prefixes order as their keys do, and two equal ones whose lowest byte is below 8 are of equal keys.
 *
 * Every area that is read has PAD bytes behind it, as vectors may be read across its end; so has every area that is
 * written.
 *
 * Compiled by `node scripts/kernel.mjs`.
 */
#include <stdint.h>
#include <wasm_simd128.h>

#define EXPORT(name) __attribute__((export_name(name)))
#define INLINE static inline __attribute__((always_inline))

#define PREFIX_BYTES 7u
#define MORE 8u
#define VECTOR 16u
#define LINE_FEED 0x0a
#define CARRIAGE_RETURN 0x0d
/* Up to so many rows, insertion beats counting. */
#define SMALL_ROWS 24u
/* Below so many rows, two digits are sorted by rather than three: insertion does the rest. */
#define MEDIUM_ROWS 8192u
#define DIGIT_BITS 11u
#define DIGITS 2048u

typedef const uint8_t *Bytes;

INLINE v128_t load(Bytes at) { return wasm_v128_load(at); }
INLINE uint64_t load_big(Bytes at) { return __builtin_bswap64(*(const uint64_t *)at); }

INLINE void copy(uint8_t *to, Bytes from, uint32_t bytes) {
  for (uint32_t at = 0; at < bytes; at += VECTOR) wasm_v128_store(to + at, load(from + at));
}

/* ---- Lines ------------------------------------------------------------------------------------------------- */

/* 0: all ASCII; 1: other bytes, but no surrogates; 2: surrogates, each in three bytes of its own. */
EXPORT("classify") uint32_t classify(Bytes from, Bytes to) {
  v128_t any = wasm_i8x16_splat(0);
  Bytes at = from;
  for (; at + VECTOR <= to; at += VECTOR) any = wasm_v128_or(any, load(at));
  uint32_t high = wasm_i8x16_bitmask(any);
  for (; at < to; at++) high |= *at & 0x80;
  if (high == 0) return 0;
  for (at = from; at + 1 < to; at++) {
    if (at[0] == 0xed && at[1] >= 0xa0) return 2;
  }
  return 1;
}

/* Fills starts and ends from `row` on with the lines of [from, to), up to rows_max; returns the rows there are then.
 * figures[0]: where the next line begins. The last line need not have a line feed. */
EXPORT("scan_lines")
uint32_t scan_lines(Bytes from, Bytes to, uint32_t *starts, uint32_t *ends, uint32_t row, uint32_t rows_max,
                    uint32_t *figures) {
  const v128_t feed = wasm_i8x16_splat(LINE_FEED);
  Bytes start = from;
  for (Bytes at = from; at < to; at += VECTOR) {
    uint32_t bits = wasm_i8x16_bitmask(wasm_i8x16_eq(load(at), feed));
    if (to - at < (int)VECTOR) bits &= (1u << (to - at)) - 1;
    for (; bits != 0; bits &= bits - 1) {
      Bytes end = at + __builtin_ctz(bits);
      if (row == rows_max) goto done;
      starts[row] = (uint32_t)start;
      ends[row++] = (uint32_t)(end > start && end[-1] == CARRIAGE_RETURN ? end - 1 : end);
      start = end + 1;
    }
  }
  if (start < to && row < rows_max) {
    starts[row] = (uint32_t)start;
    ends[row++] = (uint32_t)to;
    start = to;
  }
done:
  figures[0] = (uint32_t)start;
  return row;
}

/* ---- Keys -------------------------------------------------------------------------------------------------- */

INLINE uint64_t prefix_of(Bytes at, Bytes end) {
  const int32_t left = end - at;
  if (left >= (int32_t)MORE) return (load_big(at) & ~0xffull) | MORE;
  if (left <= 0) return 0;
  return (load_big(at) & (~0ull << (64 - 8 * left)) & ~0xffull) | (uint64_t)left;
}

INLINE int compare_bytes(Bytes a, Bytes a_end, Bytes b, Bytes b_end) {
  while (a_end - a >= 8 && b_end - b >= 8) {
    const uint64_t x = load_big(a), y = load_big(b);
    if (x != y) return x < y ? -1 : 1;
    a += 8;
    b += 8;
  }
  for (; a < a_end && b < b_end; a++, b++) {
    if (*a != *b) return *a < *b ? -1 : 1;
  }
  return a < a_end ? 1 : b < b_end ? -1 : 0;
}

/* Both have this prefix; before any inversion. */
INLINE int compare_behind(uint64_t prefix, Bytes a, Bytes a_end, Bytes b, Bytes b_end) {
  return (prefix & 0xff) == MORE ? compare_bytes(a + PREFIX_BYTES, a_end, b + PREFIX_BYTES, b_end) : 0;
}

/* How many bytes all these keys share, from the first `depth`, which they do. */
INLINE uint32_t shared_depth(const uint32_t *index, uint32_t rows, const uint32_t *starts, const uint32_t *ends,
                             uint32_t depth) {
  Bytes first = (Bytes)starts[index[0]];
  uint32_t shared = ends[index[0]] - starts[index[0]];
  for (uint32_t i = 1; i < rows && shared > depth; i++) {
    Bytes key = (Bytes)starts[index[i]];
    const uint32_t length = ends[index[i]] - starts[index[i]];
    if (length < shared) shared = length;
    uint32_t at = depth;
    while (at + 8 <= shared && *(const uint64_t *)(first + at) == *(const uint64_t *)(key + at)) at += 8;
    while (at < shared && first[at] == key[at]) at++;
    shared = at;
  }
  return shared;
}

/* ---- Order ------------------------------------------------------------------------------------------------- */

typedef struct {
  uint32_t start, end, depth;
} Group;

/* The caller's arrays; prefixes are those of the group at hand. */
typedef struct {
  const uint32_t *starts, *ends;
  uint32_t *index, *spare, *digits, *spare_digits;
  uint64_t *prefixes;
  Group *groups;
} Order;

INLINE int comes_before(const Order *order, uint32_t a, uint64_t prefix_a, uint32_t b, uint64_t prefix_b,
                        uint32_t depth, uint64_t flip) {
  if (prefix_a != prefix_b) return prefix_a < prefix_b;
  const int behind = compare_behind(prefix_a ^ flip, (Bytes)order->starts[a] + depth, (Bytes)order->ends[a],
                                    (Bytes)order->starts[b] + depth, (Bytes)order->ends[b]);
  return flip == 0 ? behind < 0 : behind > 0;
}

/* By insertion: rows [start, end) of the index, whose prefixes are in place. */
static void sort_small(const Order *order, uint32_t start, uint32_t end, uint64_t *prefixes, uint32_t depth,
                       uint64_t flip) {
  uint32_t *index = order->index + start;
  const uint32_t rows = end - start;
  for (uint32_t i = 1; i < rows; i++) {
    const uint32_t row = index[i];
    const uint64_t prefix = prefixes[i];
    uint32_t at = i;
    while (at > 0 && comes_before(order, row, prefix, index[at - 1], prefixes[at - 1], depth, flip)) {
      index[at] = index[at - 1];
      prefixes[at] = prefixes[at - 1];
      at--;
    }
    index[at] = row;
    prefixes[at] = prefix;
  }
}

/* What of a prefix varies within a group: the low bits of each byte up to the highest that differs, put together
 * from the first byte on, up to 32 bits. */
typedef struct {
  uint32_t shifts[8], widths[8], count, bits, drop;
} Squeeze;

INLINE Squeeze squeeze_of(uint64_t varying, uint32_t bits_max) {
  Squeeze squeeze = {.count = 0, .bits = 0, .drop = 0};
  for (int shift = 56; shift >= 0 && squeeze.bits < bits_max; shift -= 8) {
    const uint32_t byte = (varying >> shift) & 0xff;
    if (byte == 0) continue;
    const uint32_t width = 32 - __builtin_clz(byte);
    squeeze.shifts[squeeze.count] = shift;
    squeeze.widths[squeeze.count++] = width;
    squeeze.bits += width;
  }
  if (squeeze.bits > bits_max) {
    squeeze.drop = squeeze.bits - bits_max;
    squeeze.bits = bits_max;
  }
  return squeeze;
}

INLINE uint32_t squeezed(const Squeeze *squeeze, uint64_t prefix) {
  uint64_t value = 0;
  for (uint32_t i = 0; i < squeeze->count; i++) {
    const uint32_t width = squeeze->widths[i];
    value = value << width | ((prefix >> squeeze->shifts[i]) & ((1u << width) - 1));
  }
  return (uint32_t)(value >> squeeze->drop);
}

/* Counting sort of rows of the group by their digits, stable; the result is in `index` and `digits` again. */
static void sort_digits(const Order *order, uint32_t start, uint32_t rows, uint32_t bits) {
  static uint32_t counts[3][DIGITS];
  const uint32_t passes = (bits + DIGIT_BITS - 1) / DIGIT_BITS;
  uint32_t *from = order->index + start, *to = order->spare;
  uint32_t *values = order->digits, *spare = order->spare_digits;
  __builtin_memset(counts, 0, sizeof counts);
  for (uint32_t i = 0; i < rows; i++) {
    const uint32_t value = values[i];
    counts[0][value & (DIGITS - 1)]++;
    counts[1][value >> DIGIT_BITS & (DIGITS - 1)]++;
    counts[2][value >> 2 * DIGIT_BITS]++;
  }
  for (uint32_t pass = 0; pass < passes; pass++) {
    uint32_t *places = counts[pass], sum = 0;
    for (uint32_t digit = 0; digit < DIGITS; digit++) {
      const uint32_t count = places[digit];
      places[digit] = sum;
      sum += count;
    }
    const uint32_t shift = pass * DIGIT_BITS;
    for (uint32_t i = 0; i < rows; i++) {
      const uint32_t place = places[values[i] >> shift & (DIGITS - 1)]++;
      to[place] = from[i];
      spare[place] = values[i];
    }
    uint32_t *swap = from;
    from = to;
    to = swap;
    swap = values;
    values = spare;
    spare = swap;
  }
  if (passes % 2 == 1) {
    __builtin_memcpy(order->index + start, order->spare, rows * 4);
    __builtin_memcpy(order->digits, order->spare_digits, rows * 4);
  }
}

/* Sorts a group as far as one squeezed prefix goes; what is equal up to there and not small becomes groups. Returns
 * how many groups there are now. */
static uint32_t sort_group(const Order *order, Group group, uint32_t groups, uint64_t flip) {
  const uint32_t rows = group.end - group.start;
  const uint32_t *starts = order->starts, *ends = order->ends;
  uint32_t *index = order->index + group.start;
  uint64_t *prefixes = order->prefixes;
  const uint32_t depth = shared_depth(index, rows, starts, ends, group.depth);
  uint64_t varying = 0;
  for (uint32_t i = 0; i < rows; i++) {
    const uint32_t row = index[i];
    prefixes[i] = prefix_of((Bytes)starts[row] + depth, (Bytes)ends[row]) ^ flip;
    varying |= prefixes[i] ^ prefixes[0];
  }
  if (varying == 0) return groups;
  if (rows <= SMALL_ROWS) {
    sort_small(order, group.start, group.end, prefixes, depth, flip);
    return groups;
  }
  const Squeeze squeeze = squeeze_of(varying, rows < MEDIUM_ROWS ? 2 * DIGIT_BITS : 32);
  for (uint32_t i = 0; i < rows; i++) order->digits[i] = squeezed(&squeeze, prefixes[i]);
  sort_digits(order, group.start, rows, squeeze.bits);
  for (uint32_t first = 0; first < rows;) {
    const uint32_t digits = order->digits[first];
    uint32_t next = first + 1;
    while (next < rows && order->digits[next] == digits) next++;
    const uint32_t equal = next - first;
    if (equal > SMALL_ROWS) {
      order->groups[groups++] = (Group){group.start + first, group.start + next, depth};
    } else if (equal > 1) {
      uint64_t some[SMALL_ROWS];
      for (uint32_t i = 0; i < equal; i++) {
        const uint32_t row = index[first + i];
        some[i] = prefix_of((Bytes)starts[row] + depth, (Bytes)ends[row]) ^ flip;
      }
      sort_small(order, group.start + first, group.start + next, some, depth, flip);
    }
    first = next;
  }
  return groups;
}

/* Fills index with the rows in the order of their keys [starts, ends); descending: greatest first. Needs spare,
 * digits and spare_digits of `rows` words, prefixes of `rows` double words, and groups of 3 × (rows / 24 + 1) words. */
EXPORT("order")
void order_rows(const uint32_t *starts, const uint32_t *ends, uint32_t rows, uint32_t descending, uint32_t *index,
                uint32_t *spare, uint32_t *digits, uint32_t *spare_digits, uint64_t *prefixes, Group *groups) {
  const Order order = {starts, ends, index, spare, digits, spare_digits, prefixes, groups};
  for (uint32_t i = 0; i < rows; i++) index[i] = i;
  if (rows < 2) return;
  uint32_t waiting = 0;
  groups[waiting++] = (Group){0, rows, 0};
  while (waiting > 0) {
    const Group group = groups[--waiting];
    waiting = sort_group(&order, group, waiting, descending ? ~0ull : 0);
  }
}

/* ---- Frames ------------------------------------------------------------------------------------------------ */

/* How many rows of the index from `from` on make at most so many bytes, each with row_bytes more; one at least. */
EXPORT("fit")
uint32_t fit(const uint32_t *index, uint32_t from, uint32_t to, const uint32_t *starts, const uint32_t *ends,
             uint32_t row_bytes, uint32_t bytes_max) {
  uint32_t bytes = 0, at = from;
  for (; at < to; at++) {
    const uint32_t row = index[at];
    bytes += ends[row] - starts[row] + row_bytes;
    if (bytes > bytes_max && at > from) break;
  }
  return at - from;
}

/* Copies rows of the index one behind the other, each with a line feed behind it where `feeds`, and says where each
 * ends, before its line feed. Returns the bytes. */
EXPORT("gather")
uint32_t gather(const uint32_t *index, uint32_t from, uint32_t to, const uint32_t *starts, const uint32_t *ends,
                uint8_t *out, uint32_t *out_ends, uint32_t feeds) {
  uint8_t *at = out;
  for (uint32_t i = from; i < to; i++) {
    const uint32_t row = index[i], bytes = ends[row] - starts[row];
    copy(at, (Bytes)starts[row], bytes);
    at += bytes;
    *out_ends++ = at - out;
    if (feeds) *at++ = LINE_FEED;
  }
  return at - out;
}

/* Whether every key is the same part of its row: bytes from an offset on, up to a length, or as many as there are.
 * figures: offset, length. */
EXPORT("find_slice")
uint32_t find_slice(const uint32_t *starts, const uint32_t *ends, const uint32_t *key_starts,
                    const uint32_t *key_ends, uint32_t rows, uint32_t *figures) {
  uint32_t longest = 0, length = 0;
  for (uint32_t i = 0; i < rows; i++) {
    const uint32_t bytes = key_ends[i] - key_starts[i];
    if (bytes <= length) continue;
    length = bytes;
    longest = i;
  }
  const uint32_t room = ends[longest] - starts[longest];
  if (length > room) return 0;
  for (uint32_t offset = 0; offset + length <= room; offset++) {
    Bytes part = (Bytes)starts[longest] + offset;
    if (compare_bytes(part, part + length, (Bytes)key_starts[longest], (Bytes)key_ends[longest]) != 0) continue;
    for (uint32_t i = 0; i < rows; i++) {
      const uint32_t bytes = ends[i] - starts[i];
      const uint32_t from = bytes < offset ? bytes : offset;
      const uint32_t to = bytes - from < length ? bytes : from + length;
      if (compare_bytes((Bytes)starts[i] + from, (Bytes)starts[i] + to, (Bytes)key_starts[i], (Bytes)key_ends[i]) != 0)
        return 0;
    }
    figures[0] = offset;
    figures[1] = length;
    return 1;
  }
  return 0;
}

/* ---- Merging ----------------------------------------------------------------------------------------------- */

enum { KEY_ROW, KEY_SLICE, KEY_OWN, KEY_FIXED };
enum { NEEDS_ROWS, HAS_ROWS, ENDED };
enum { EMIT_ROWS = 1, EMIT_KEYS = 2, EMIT_SOURCES = 4 };
enum { MERGE_DONE, MERGE_FULL, MERGE_NEEDS };

/* The rows of a run's frame. The caller fills it; words in this order. */
typedef struct {
  uint64_t prefix;
  uint32_t key, key_end;
  uint32_t state;
  /* The next row, and behind the last. */
  uint32_t row, stop;
  /* Rows, and where each ends in them, before its line feed. */
  uint32_t text;
  const uint32_t *ends;
  uint32_t key_kind, key_text;
  const uint32_t *key_ends;
  /* KEY_SLICE: where, and how long at most. KEY_FIXED: the length. */
  uint32_t key_offset, key_length;
  /* The key of the row behind the next, where there is one: read early, as it is far away in the memory. */
  uint64_t next_prefix;
  uint32_t next_key, next_key_end;
  /* A byte of that row's end, for the same reason. */
  uint32_t touched, spare;
} Source;

/* A source and its prefix: of those that wait in the tree, so that most comparisons look nowhere else. */
typedef struct {
  uint64_t prefix;
  uint32_t source, spare;
} Entry;

typedef struct {
  Source *sources;
  uint32_t count;
  /* Of `count` entries: the one that comes next, and at each inner node of a tree the one that came later there. */
  Entry *tree;
  /* Bytes that all keys share. */
  uint32_t shared;
  uint32_t descending, emit;
  /* Where rows go, their ends, and from where on there is no room for more; the same for keys. */
  uint8_t *out, *out_full;
  uint32_t *out_ends;
  uint8_t *key_out, *key_out_full;
  uint32_t *key_out_ends;
  uint32_t *out_sources;
  uint32_t rows_max;
  /* What there is so far; the caller sets it to 0 when it has taken it. */
  uint32_t rows, bytes, key_bytes;
  /* MERGE_NEEDS: the source whose next frame is wanted, or that is to be set to ENDED. */
  uint32_t needs;
} Merge;

INLINE uint32_t row_start(const Source *source, uint32_t row) {
  return row == 0 ? source->text : source->text + source->ends[row - 1] + 1;
}

INLINE void find_key(const Source *source, uint32_t row, uint32_t *key, uint32_t *key_end) {
  switch (source->key_kind) {
  case KEY_ROW:
    *key = row_start(source, row);
    *key_end = source->text + source->ends[row];
    return;
  case KEY_SLICE: {
    const uint32_t start = row_start(source, row), end = source->text + source->ends[row];
    *key = end - start < source->key_offset ? end : start + source->key_offset;
    *key_end = end - *key < source->key_length ? end : *key + source->key_length;
    return;
  }
  case KEY_OWN:
    *key = row == 0 ? source->key_text : source->key_text + source->key_ends[row - 1];
    *key_end = source->key_text + source->key_ends[row];
    return;
  default:
    *key = source->key_text + row * source->key_length;
    *key_end = *key + source->key_length;
  }
}

INLINE void read_ahead(const Merge *merge, Source *source) {
  if (source->row + 1 >= source->stop) return;
  find_key(source, source->row + 1, &source->next_key, &source->next_key_end);
  const uint64_t prefix = prefix_of((Bytes)source->next_key + merge->shared, (Bytes)source->next_key_end);
  source->next_prefix = merge->descending ? ~prefix : prefix;
  if (merge->emit & EMIT_ROWS) source->touched = *(Bytes)(source->text + source->ends[source->row + 1]);
}

/* Of a source that was given rows, or has ended. */
INLINE void take_key(const Merge *merge, Source *source) {
  if (source->state != HAS_ROWS) {
    source->prefix = ~0ull;
    return;
  }
  find_key(source, source->row, &source->key, &source->key_end);
  const uint64_t prefix = prefix_of((Bytes)source->key + merge->shared, (Bytes)source->key_end);
  source->prefix = merge->descending ? ~prefix : prefix;
  read_ahead(merge, source);
}

/* Of a source that goes on to its next row. */
INLINE void advance_key(const Merge *merge, Source *source) {
  source->key = source->next_key;
  source->key_end = source->next_key_end;
  source->prefix = source->next_prefix;
  read_ahead(merge, source);
}

/* Whether source a comes before source b, whose prefixes are equal; equal keys come by the number of their source. */
static int is_before_behind(const Merge *merge, uint32_t a, uint32_t b) {
  const Source *x = &merge->sources[a], *y = &merge->sources[b];
  if (x->state != HAS_ROWS || y->state != HAS_ROWS) {
    if (x->state == y->state) return a < b;
    return x->state == HAS_ROWS;
  }
  const uint64_t prefix = merge->descending ? ~x->prefix : x->prefix;
  const int behind = compare_behind(prefix, (Bytes)x->key + merge->shared, (Bytes)x->key_end,
                                    (Bytes)y->key + merge->shared, (Bytes)y->key_end);
  if (behind == 0) return a < b;
  return (behind < 0) == !merge->descending;
}

INLINE int is_before(const Merge *merge, const Entry *a, const Entry *b) {
  if (__builtin_expect(a->prefix == b->prefix, 0)) return is_before_behind(merge, a->source, b->source);
  return a->prefix < b->prefix;
}

/* To be called once, when every source has its first rows or has ended. */
EXPORT("merge_start") void merge_start(Merge *merge) {
  const uint32_t count = merge->count;
  Entry *tree = merge->tree;
  for (uint32_t i = 0; i < count; i++) take_key(merge, &merge->sources[i]);
  for (uint32_t i = 0; i < count; i++) tree[i] = (Entry){0, count, 0};
  /* Each source climbs until it finds a node where nobody waits yet. */
  for (uint32_t leaf = count; leaf-- > 0;) {
    Entry winner = {merge->sources[leaf].prefix, leaf, 0};
    uint32_t node = (leaf + count) >> 1;
    for (; node > 0; node >>= 1) {
      const Entry waiting = tree[node];
      if (waiting.source == count) {
        tree[node] = winner;
        break;
      }
      if (is_before(merge, &waiting, &winner)) {
        tree[node] = winner;
        winner = waiting;
      }
    }
    if (node == 0) tree[0] = winner;
  }
}

/* Which of two comes later is anyone's guess, so that no branch hangs on it: the entries are exchanged by masks. */
INLINE void replay(const Merge *merge, uint32_t source) {
  Entry *tree = merge->tree;
  uint64_t prefix = merge->sources[source].prefix;
  uint32_t winner = source;
  for (uint32_t node = (source + merge->count) >> 1; node > 0; node >>= 1) {
    Entry *at = &tree[node];
    const uint64_t other = at->prefix;
    const uint32_t waiting = at->source;
    uint32_t before = other < prefix;
    if (__builtin_expect(other == prefix, 0)) before = is_before_behind(merge, waiting, winner);
    const uint64_t swap = 0ull - before;
    const uint64_t change = (prefix ^ other) & swap;
    const uint32_t change_source = (winner ^ waiting) & (uint32_t)swap;
    at->prefix = other ^ change;
    at->source = waiting ^ change_source;
    prefix ^= change;
    winner ^= change_source;
  }
  tree[0].prefix = prefix;
  tree[0].source = winner;
}

INLINE void emit_row(Merge *merge, const Source *source, uint32_t which) {
  if (merge->emit & EMIT_ROWS) {
    const uint32_t start = row_start(source, source->row);
    const uint32_t bytes = source->text + source->ends[source->row] - start;
    copy(merge->out + merge->bytes, (Bytes)start, bytes + 1);
    merge->out_ends[merge->rows] = merge->bytes + bytes;
    merge->bytes += bytes + 1;
  }
  if (merge->emit & EMIT_KEYS) {
    const uint32_t bytes = source->key_end - source->key;
    copy(merge->key_out + merge->key_bytes, (Bytes)source->key, bytes);
    merge->key_bytes += bytes;
    merge->key_out_ends[merge->rows] = merge->key_bytes;
  }
  if (merge->emit & EMIT_SOURCES) merge->out_sources[merge->rows] = which;
  merge->rows++;
}

/* Goes on until there is no room, a source needs its next frame, or all have ended. */
EXPORT("merge_rows") uint32_t merge_rows(Merge *merge) {
  for (;;) {
    const uint32_t which = merge->tree[0].source;
    Source *source = &merge->sources[which];
    if (merge->needs == which) {
      /* It was given rows, or has ended. */
      merge->needs = merge->count;
      take_key(merge, source);
      replay(merge, which);
      continue;
    }
    if (source->state == ENDED) return MERGE_DONE;
    if (merge->rows == merge->rows_max || merge->out + merge->bytes >= merge->out_full ||
        merge->key_out + merge->key_bytes >= merge->key_out_full)
      return MERGE_FULL;
    emit_row(merge, source, which);
    if (++source->row == source->stop) {
      source->state = NEEDS_ROWS;
      merge->needs = which;
      return MERGE_NEEDS;
    }
    advance_key(merge, source);
    replay(merge, which);
  }
}

/* The first row of a source from `row` on whose key does not come before this one; behind the last where all do. */
EXPORT("seek") uint32_t seek(const Source *source, Bytes key, Bytes key_end, uint32_t descending) {
  uint32_t low = source->row, high = source->stop;
  while (low < high) {
    const uint32_t middle = (low + high) >> 1;
    uint32_t own, own_end;
    find_key(source, middle, &own, &own_end);
    const int order = compare_bytes((Bytes)own, (Bytes)own_end, key, key_end);
    if (descending ? order > 0 : order < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/* ---- Checksums --------------------------------------------------------------------------------------------- */

/*
 * CRC-32 without its tables: x^203 + x^186 + x^123 + x^85 + x^79 + 1 is a multiple of its polynomial, and remains one
 * with x^128 for each x, as squaring a polynomial of bits squares its terms. So a vector of a message may be struck out
 * and added to the five that come 17, 80, 118, 124 and 203 vectors later, and the remainder stays what it is: no bit of
 * a vector is moved, and none is looked up. After Chorba (Russell, 2024), which does so with multiples of its own.
 */
#define REACH 203u
#define STEP 8u
/* Struck out before those that are still to be added are moved to where the next are looked for: all in the nearest cache. */
#define STRUCK_MAX 512u
/* At least REACH, in whole lines of the cache. */
#define KEPT 208u

static v128_t struck_out[KEPT + STRUCK_MAX];

/* What is left of [from, to), which is at least REACH vectors long: fewer bytes of the same remainder. The register of
 * the CRC, as it was before them, is added to the first. Returns how many they are; they are at rest(). */
EXPORT("fold") uint32_t fold(Bytes from, Bytes to, uint32_t crc_register) {
  v128_t *const next = struck_out + KEPT;
  const uint32_t vectors = (uint32_t)(to - from) / VECTOR;
  uint32_t strike = (vectors - REACH) & ~(STEP - 1);
  const uint32_t left = vectors - strike;
  v128_t add = wasm_i32x4_replace_lane(wasm_i32x4_splat(0), 0, (int32_t)crc_register);
  __builtin_memset(struck_out, 0, KEPT * VECTOR);
  while (strike > 0) {
    const uint32_t now = strike < STRUCK_MAX ? strike : STRUCK_MAX;
    v128_t *out = next;
    for (; out < next + now; out += STEP, from += STEP * VECTOR) {
      for (int i = 0; i < (int)STEP; i++) {
        v128_t sum = wasm_v128_xor(load(from + i * VECTOR), out[i - (int)REACH]);
        sum = wasm_v128_xor(sum, wasm_v128_xor(out[i - 124], out[i - 118]));
        sum = wasm_v128_xor(sum, wasm_v128_xor(out[i - 80], out[i - 17]));
        out[i] = i == 0 ? wasm_v128_xor(sum, add) : sum;
      }
      add = wasm_i32x4_splat(0);
    }
    __builtin_memmove(struck_out, out - KEPT, KEPT * VECTOR);
    strike -= now;
  }
  for (uint32_t i = 0; i < left; i++, from += VECTOR) {
    static const uint32_t later[] = {17, 80, 118, 124, REACH};
    v128_t sum = wasm_v128_xor(load(from), add);
    add = wasm_i32x4_splat(0);
    for (uint32_t tap = 0; tap < sizeof later / sizeof *later; tap++) {
      if (i < later[tap]) sum = wasm_v128_xor(sum, next[(int)i - (int)later[tap]]);
    }
    next[i] = sum;
  }
  uint8_t *end = (uint8_t *)(next + left);
  while (from < to) *end++ = *from++;
  return (uint32_t)(end - (uint8_t *)next);
}

EXPORT("rest") uint32_t rest(void) { return (uint32_t)(struck_out + KEPT); }

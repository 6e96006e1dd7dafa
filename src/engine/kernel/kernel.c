/*
 * Counts the words of ASCII text in WebAssembly: the hot loop behind words().countBy(). And brings together, in order,
 * what many tasks counted: the other side of the shuffle, for any keys that are text.
 *
 * A word is a longest run of the characters of one class, of ASCII: letters and digits, lower-cased, unless the other
 * side sets another. Text comes in blocks that begin and end between words. Runs that hold bytes from 0x80 on, where
 * these do not end a word, and words longer than WORD_BYTES_MAX, are not counted here: they are handed back as text,
 * one a line ("the rest").
 *
 * Owns its whole memory: no imports, no allocator. Entries lie in one array by first arrival, so that the frequent words,
 * which come early, share lines of cache; a small table of numbers leads to them. Words wait until there are some, and
 * are then looked up together, so that their slots are fetched at the same time. Invariants:
 * 1. The table of numbers is at most half full, and as small as that allows.
 * 2. A word of up to 16 bytes stands in its entry, padded with zeros, which no word contains: 16 bytes are the word.
 * 3. Longer words stand in the arena, which is last in memory and the only thing that grows.
 * 4. What is counted, in which order, and when the table is full, follows from the text and the limits alone; the twin
 *    in plain-word-table.ts does the same. So words wait only for short ones: what is not looked up is not counted.
 *
 * Compiled by `node scripts/kernel.mjs`.
 */
#include <stdint.h>
#include <wasm_simd128.h>

#define EXPORT(name) __attribute__((export_name(name)))
#define INLINE static inline __attribute__((always_inline))

#define BLOCK_BYTES 65536u
#define STRETCH 64u
#define VECTOR 16u
#define ENTRIES_MAX (1u << 18)
#define SLOT_BITS_MIN 12
#define SLOT_BITS_MAX 19
/* Of a slot: its entry + 1, none if it is free. The bits above are some of the hash. */
#define SLOT_ENTRY (2 * ENTRIES_MAX - 1)
#define WAITING_MAX 32u
#define WORD_BYTES_MAX 1024u
#define GATHER_ROWS_MAX 8192u
#define GATHER_BYTES_MAX (256u * 1024)
#define PAGE_BYTES 65536u
#define GROW_PAGES 16u
/* In `high`: the word is a long one, and `low` is its hash and, above that, its address. No word has such bytes. */
#define LONG_WORD (~0ull)

typedef struct {
  uint64_t low, high;
  uint32_t count, length;
} Entry;

/* A short word that was not looked up yet. */
typedef struct {
  uint64_t low, high, hash;
  uint32_t length, end;
} Waiting;

/* An entry that is sorted: its first bytes, as a number that is ordered as they are, and its place in `entries`. */
typedef struct {
  uint64_t prefix;
  uint32_t number;
} Ranked;

/* Where the other side finds things; wasm-word-table.ts reads it in this order. */
typedef struct {
  uint32_t block, rest, hashes, lengths, keys, counts, figures, classes;
} Addresses;

typedef struct {
  uint32_t entries, full, words, rest_bytes, lines;
} Figures;

extern uint8_t __heap_base;

static uint8_t block[BLOCK_BYTES + STRETCH] __attribute__((aligned(64)));
static uint8_t rest[BLOCK_BYTES + STRETCH] __attribute__((aligned(64)));
static Entry entries[ENTRIES_MAX] __attribute__((aligned(64)));
static uint32_t slots[1u << SLOT_BITS_MAX] __attribute__((aligned(64)));
static Waiting waiting[WAITING_MAX] __attribute__((aligned(64)));
static uint32_t found[WAITING_MAX];
static uint32_t hashes[ENTRIES_MAX];
static uint32_t lengths[ENTRIES_MAX];
static uint8_t keys[GATHER_BYTES_MAX + VECTOR] __attribute__((aligned(16)));
static uint32_t counts[GATHER_ROWS_MAX];
static Ranked ranked[2][ENTRIES_MAX] __attribute__((aligned(64)));
/* From here on: one vector with the first n bytes set, at 16 - n. */
static const uint8_t prefixes[2 * VECTOR] __attribute__((aligned(16))) = {
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

static Figures figures;
/* Which bytes belong to words: those whose low and high halves have a bit in common. */
static uint8_t classes[2 * VECTOR] __attribute__((aligned(16)));
/* Set in every byte of a word: what makes letters lower-case, or nothing. */
static uint32_t case_bit;
static uint32_t joins_high;
static uint32_t entries_max, bytes_max, entry_bytes, bytes_held;
/* Of what was merged. */
static uint64_t counts_total;
static uint32_t slot_bits, waits;
/* Behind the word that made the table full. */
static uint32_t stopped_at;
static uint8_t *arena_end;

INLINE v128_t load(const uint8_t *at) { return wasm_v128_load(at); }
INLINE v128_t lowered(v128_t bytes) { return wasm_v128_or(bytes, wasm_i8x16_splat(case_bit)); }
INLINE v128_t prefix(uint32_t bytes) { return load(prefixes + VECTOR - bytes); }

/* Which of 16 bytes belong to words; `mixed`: bytes from 0x80 on do, too. */
INLINE uint32_t word_bits(const uint8_t *at, const int mixed) {
  v128_t bytes = load(at);
  v128_t low = wasm_i8x16_swizzle(load(classes), wasm_v128_and(bytes, wasm_i8x16_splat(0x0f)));
  v128_t high = wasm_i8x16_swizzle(load(classes + VECTOR), wasm_u8x16_shr(bytes, 4));
  v128_t found = wasm_i8x16_ne(wasm_v128_and(low, high), wasm_i8x16_splat(0));
  /* The mask takes each byte's highest bit. */
  return wasm_i8x16_bitmask(mixed ? wasm_v128_or(found, bytes) : found);
}

INLINE uint64_t stretch_bits(const uint8_t *at, const int mixed) {
  return (uint64_t)word_bits(at, mixed) | (uint64_t)word_bits(at + 16, mixed) << 16 |
         (uint64_t)word_bits(at + 32, mixed) << 32 | (uint64_t)word_bits(at + 48, mixed) << 48;
}

/* For slots only: partitions go by `key_hash`. */
INLINE uint64_t mixed_hash(uint64_t low, uint64_t high) {
  uint64_t hash = (low ^ 0x9e3779b97f4a7c15ull) * 0xbf58476d1ce4e5b9ull;
  hash ^= (high + 0x2545f4914f6cdd1dull) * 0x94d049bb133111ebull;
  hash ^= hash >> 32;
  return hash * 0xd6e8feb86659fd93ull;
}

INLINE uint64_t mixed_long(uint32_t hash) { return hash * 0xd6e8feb86659fd93ull; }

INLINE uint32_t slot_of(uint64_t hash) { return hash >> (64 - slot_bits); }
INLINE uint32_t mark_of(uint64_t hash) { return (uint32_t)hash & ~SLOT_ENTRY; }
INLINE uint32_t slot_mask(void) { return (1u << slot_bits) - 1; }

static void clear_slots(uint32_t bits) {
  slot_bits = bits;
  __builtin_memset(slots, 0, sizeof(uint32_t) << bits);
}

static __attribute__((noinline)) void grow(void) {
  clear_slots(slot_bits + 1);
  for (uint32_t number = 1; number <= figures.entries; number++) {
    const Entry *entry = &entries[number - 1];
    uint64_t hash =
        entry->high == LONG_WORD ? mixed_long((uint32_t)entry->low) : mixed_hash(entry->low, entry->high);
    uint32_t at = slot_of(hash);
    while (slots[at]) at = (at + 1) & slot_mask();
    slots[at] = mark_of(hash) | number;
  }
}

/* Says whether the table is full now. */
static __attribute__((noinline)) int enter(uint32_t at, uint32_t mark, Entry entry) {
  entries[figures.entries++] = entry;
  slots[at] = mark | figures.entries;
  bytes_held += entry_bytes + entry.length;
  figures.full = figures.entries >= entries_max || bytes_held >= bytes_max;
  if (figures.entries >> (slot_bits - 1) && slot_bits < SLOT_BITS_MAX) grow();
  return figures.full;
}

static __attribute__((noinline)) int count_short(const Waiting *word, uint32_t count) {
  uint32_t mark = mark_of(word->hash), mask = slot_mask();
  for (uint32_t at = slot_of(word->hash);; at = (at + 1) & mask) {
    uint32_t slot = slots[at];
    if (!slot) return enter(at, mark, (Entry){word->low, word->high, count, word->length});
    if ((slot ^ mark) > SLOT_ENTRY) continue;
    Entry *entry = &entries[(slot & SLOT_ENTRY) - 1];
    if (entry->low == word->low && entry->high == word->high) {
      entry->count += count;
      return 0;
    }
  }
}

/* Counts the words that wait, up to one that makes the table full; says whether it is full now. */
static __attribute__((noinline)) int look_up(void) {
  uint32_t words = waits;
  waits = 0;
  for (uint32_t word = 0; word < words; word++) found[word] = slots[slot_of(waiting[word].hash)] & SLOT_ENTRY;
  for (uint32_t word = 0; word < words; word++) {
    const Waiting *of = &waiting[word];
    /* It may have moved since then, but entries do not. A free slot leads to the first, which is as good as any. */
    Entry *entry = &entries[found[word] ? found[word] - 1 : 0];
    if (entry->low == of->low && entry->high == of->high && found[word]) {
      entry->count++;
    } else if (count_short(of, 1)) {
      figures.words += word + 1;
      stopped_at = of->end;
      return 1;
    }
  }
  figures.words += words;
  return 0;
}

INLINE int wait_short(const uint8_t *word, uint32_t length, uint32_t end) {
  v128_t key = wasm_v128_and(lowered(load(word)), prefix(length));
  uint64_t low = wasm_i64x2_extract_lane(key, 0), high = wasm_i64x2_extract_lane(key, 1);
  waiting[waits++] = (Waiting){low, high, mixed_hash(low, high), length, end};
  return waits == WAITING_MAX && look_up();
}

static uint32_t long_hash(const uint8_t *word, uint32_t length) {
  uint64_t hash = length;
  for (uint32_t at = 0; at < length; at += VECTOR) {
    uint32_t left = length - at;
    v128_t part = wasm_v128_and(lowered(load(word + at)), prefix(left < VECTOR ? left : VECTOR));
    hash = mixed_hash(hash ^ wasm_i64x2_extract_lane(part, 0), wasm_i64x2_extract_lane(part, 1));
  }
  return (uint32_t)(hash >> 32);
}

/* `stored` is padded to whole vectors. */
static int same_long(const uint8_t *stored, const uint8_t *word, uint32_t length) {
  for (uint32_t at = 0; at < length; at += VECTOR) {
    uint32_t left = length - at;
    v128_t part = wasm_v128_and(lowered(load(word + at)), prefix(left < VECTOR ? left : VECTOR));
    if (wasm_v128_any_true(wasm_v128_xor(part, load(stored + at)))) return 0;
  }
  return 1;
}

static uint8_t *store_long(const uint8_t *word, uint32_t length) {
  uint8_t *stored = arena_end;
  arena_end += (length + VECTOR - 1) & ~(VECTOR - 1);
  /* A step of growing is larger than the longest word. */
  if ((uint32_t)arena_end > __builtin_wasm_memory_size(0) * PAGE_BYTES &&
      __builtin_wasm_memory_grow(0, GROW_PAGES) == (uint32_t)-1)
    __builtin_trap();
  for (uint32_t at = 0; at < length; at += VECTOR) {
    uint32_t left = length - at;
    wasm_v128_store(stored + at, wasm_v128_and(lowered(load(word + at)), prefix(left < VECTOR ? left : VECTOR)));
  }
  return stored;
}

static int count_long(const uint8_t *word, uint32_t length, uint32_t count) {
  uint32_t own = long_hash(word, length);
  uint64_t hash = mixed_long(own);
  uint32_t mark = mark_of(hash), mask = slot_mask();
  for (uint32_t at = slot_of(hash);; at = (at + 1) & mask) {
    uint32_t slot = slots[at];
    if (!slot) {
      uint64_t stored = (uint32_t)store_long(word, length);
      return enter(at, mark, (Entry){stored << 32 | own, LONG_WORD, count, length});
    }
    if ((slot ^ mark) > SLOT_ENTRY) continue;
    Entry *entry = &entries[(slot & SLOT_ENTRY) - 1];
    if (entry->high == LONG_WORD && (uint32_t)entry->low == own && entry->length == length &&
        same_long((const uint8_t *)(uint32_t)(entry->low >> 32), word, length)) {
      entry->count += count;
      return 0;
    }
  }
}

static int has_high(const uint8_t *word, uint32_t length) {
  for (uint32_t at = 0; at < length; at += VECTOR) {
    uint32_t left = length - at;
    if (wasm_i8x16_bitmask(wasm_v128_and(load(word + at), prefix(left < VECTOR ? left : VECTOR)))) return 1;
  }
  return 0;
}

static void hand_back(const uint8_t *word, uint32_t length) {
  uint8_t *to = rest + figures.rest_bytes;
  for (uint32_t at = 0; at < length; at++) to[at] = word[at];
  to[length] = '\n';
  figures.rest_bytes += length + 1;
}

/* After the short words before it, which may fill the table: then this one is not taken. Says whether it is full now. */
static __attribute__((noinline)) int take_other(const uint8_t *word, uint32_t length, const int is_counted) {
  if (look_up()) return 1;
  if (!is_counted) {
    hand_back(word, length);
    return 0;
  }
  figures.words++;
  stopped_at = word + length - block;
  return count_long(word, length, 1);
}

/* Says whether the table is full now. */
INLINE int take_word(uint32_t start, uint32_t end, const int mixed) {
  const uint8_t *word = block + start;
  uint32_t length = end - start;
  if (__builtin_expect(length > WORD_BYTES_MAX || (mixed && has_high(word, length)), 0))
    return take_other(word, length, 0);
  return length <= VECTOR ? wait_short(word, length, end) : take_other(word, length, 1);
}

/* Words begin and end where a byte differs from the one before it: one bit each in `edges`. */
INLINE uint32_t scan_as(uint32_t length, const int mixed) {
  uint64_t inside = 0;
  uint32_t start = 0;
  for (uint32_t at = 0; at <= length; at += STRETCH) {
    uint64_t bits = stretch_bits(block + at, mixed);
    uint64_t edges = bits ^ (bits << 1 | inside);
    if (inside && edges) {
      uint32_t end = at + __builtin_ctzll(edges);
      edges &= edges - 1;
      if (take_word(start, end, mixed)) return stopped_at;
      inside = 0;
    }
    while (edges) {
      start = at + __builtin_ctzll(edges);
      edges &= edges - 1;
      if (!edges) break;
      uint32_t end = at + __builtin_ctzll(edges);
      edges &= edges - 1;
      if (take_word(start, end, mixed)) return stopped_at;
    }
    inside = bits >> 63;
  }
  return look_up() ? stopped_at : length;
}

static int block_has_high(uint32_t length) {
  v128_t any = wasm_i8x16_splat(0);
  for (uint32_t at = 0; at < length; at += VECTOR) any = wasm_v128_or(any, load(block + at));
  return wasm_i8x16_bitmask(any) != 0;
}

/* Line feeds in the block's first bytes; sums of 255 fit a byte. */
static uint32_t count_lines(uint32_t length) {
  uint32_t lines = 0, at = 0;
  while (at + VECTOR <= length) {
    v128_t sums = wasm_i8x16_splat(0);
    for (uint32_t round = 0; round < 255 && at + VECTOR <= length; round++, at += VECTOR)
      sums = wasm_i8x16_sub(sums, wasm_i8x16_eq(load(block + at), wasm_i8x16_splat('\n')));
    v128_t pairs = wasm_u16x8_extadd_pairwise_u8x16(sums);
    v128_t fours = wasm_u32x4_extadd_pairwise_u16x8(pairs);
    lines += wasm_i32x4_extract_lane(fours, 0) + wasm_i32x4_extract_lane(fours, 1) +
             wasm_i32x4_extract_lane(fours, 2) + wasm_i32x4_extract_lane(fours, 3);
  }
  for (; at < length; at++) lines += block[at] == '\n';
  return lines;
}

EXPORT("addresses") const Addresses *addresses(void) {
  static Addresses of;
  of = (Addresses){(uint32_t)block,   (uint32_t)rest,   (uint32_t)hashes,   (uint32_t)lengths,
                   (uint32_t)keys,    (uint32_t)counts, (uint32_t)&figures, (uint32_t)classes};
  return &of;
}

/* What words are made of: the other side has written `classes`. To be called between `clear`s. */
EXPORT("set_class") void set_class(uint32_t bit, uint32_t is_joined) {
  case_bit = bit;
  joins_high = is_joined;
}

/* Forgets every word. The limits: entries, and bytes of words with so many for each entry. */
EXPORT("clear") void clear(uint32_t entries_limit, uint32_t bytes_limit, uint32_t bytes_of_entry) {
  clear_slots(SLOT_BITS_MIN);
  figures = (Figures){0, 0, 0, 0, 0};
  entries_max = entries_limit;
  bytes_max = bytes_limit;
  entry_bytes = bytes_of_entry;
  bytes_held = 0;
  counts_total = 0;
  arena_end = (uint8_t *)(((uint32_t)&__heap_base + VECTOR - 1) & ~(VECTOR - 1));
}

/* Takes the words of the block's first bytes; returns up to where: less than all only when the table is full. */
EXPORT("scan") uint32_t scan(uint32_t length) {
  for (uint32_t at = 0; at < STRETCH; at++) block[length + at] = 0;
  figures.words = 0;
  figures.rest_bytes = 0;
  uint32_t end = joins_high && block_has_high(length) ? scan_as(length, 1) : scan_as(length, 0);
  figures.lines = count_lines(end);
  return end;
}

INLINE const uint8_t *word_of(const Entry *entry) {
  return entry->high == LONG_WORD ? (const uint8_t *)(uint32_t)(entry->low >> 32) : (const uint8_t *)entry;
}

/* The engine's hash of a string key (base/hash.ts). */
static uint32_t key_hash(const uint8_t *word, uint32_t length) {
  uint32_t hash = 0x811c9dc5u;
  for (uint32_t at = 0; at < length; at++) hash = (hash ^ word[at]) * 0x01000193u;
  hash = (hash ^ hash >> 16) * 0x85ebca6bu;
  hash = (hash ^ hash >> 13) * 0xc2b2ae35u;
  return hash ^ hash >> 16;
}

/* Fills `hashes` and `lengths`, by entry. */
EXPORT("describe") void describe(void) {
  for (uint32_t number = 0; number < figures.entries; number++) {
    const Entry *entry = &entries[number];
    lengths[number] = entry->length;
    hashes[number] = key_hash(word_of(entry), entry->length);
  }
}

/* Puts the words of so many entries, whose numbers stand in `counts`, into `keys` and their counts into `counts`. */
EXPORT("gather") uint32_t gather(uint32_t rows) {
  uint8_t *to = keys;
  for (uint32_t row = 0; row < rows; row++) {
    const Entry *entry = &entries[counts[row]];
    const uint8_t *word = word_of(entry);
    for (uint32_t at = 0; at < entry->length; at += VECTOR) wasm_v128_store(to + at, load(word + at));
    to += entry->length;
    counts[row] = entry->count;
  }
  return to - keys;
}

/* A zero, or a byte from 0x80 on. */
static int has_odd_byte(const uint8_t *bytes, uint32_t length) {
  v128_t odd = wasm_i8x16_splat(0);
  uint32_t at = 0;
  for (; at + VECTOR <= length; at += VECTOR) {
    v128_t part = load(bytes + at);
    odd = wasm_v128_or(odd, wasm_v128_or(part, wasm_i8x16_eq(part, wasm_i8x16_splat(0))));
  }
  int found = wasm_i8x16_bitmask(odd) != 0;
  for (; at < length; at++) found |= bytes[at] == 0 || bytes[at] >= 0x80;
  return found;
}

/*
 * Adds so many rows of keys that were counted elsewhere: the keys' bytes stand in `keys`, their lengths in `lengths`,
 * and their counts in `counts`. All of them or none; says whether it did: not where the table has no room, where a
 * count might not fit any more, or where a key holds bytes that words do not have. Case must not be changed.
 */
EXPORT("merge") uint32_t merge(uint32_t rows, uint32_t bytes) {
  uint64_t total = counts_total;
  for (uint32_t row = 0; row < rows; row++) total += counts[row];
  if (figures.full || figures.entries + rows > ENTRIES_MAX || total > UINT32_MAX || has_odd_byte(keys, bytes)) return 0;
  counts_total = total;
  const uint8_t *key = keys;
  for (uint32_t row = 0; row < rows; row++) {
    uint32_t length = lengths[row];
    if (length > VECTOR) {
      count_long(key, length, counts[row]);
    } else {
      v128_t word = wasm_v128_and(load(key), prefix(length));
      uint64_t low = wasm_i64x2_extract_lane(word, 0), high = wasm_i64x2_extract_lane(word, 1);
      count_short(&(Waiting){low, high, mixed_hash(low, high), length, 0}, counts[row]);
    }
    key += length;
  }
  return 1;
}

/* Whether one word comes before the other, where their first eight bytes are the same. */
static __attribute__((noinline)) int rest_before(const Entry *a, const Entry *b) {
  if (a->high != LONG_WORD && b->high != LONG_WORD) return __builtin_bswap64(a->high) < __builtin_bswap64(b->high);
  const uint8_t *one = word_of(a), *other = word_of(b);
  uint32_t shared = a->length < b->length ? a->length : b->length;
  for (uint32_t at = 8; at < shared; at++)
    if (one[at] != other[at]) return one[at] < other[at];
  return a->length < b->length;
}

INLINE int is_before(const Ranked *a, const Ranked *b) {
  if (a->prefix != b->prefix) return a->prefix < b->prefix;
  return rest_before(&entries[a->number], &entries[b->number]);
}

/* Fills `hashes` with the entries in the order of their words' bytes, and `lengths` with the lengths of those. */
EXPORT("sort") void sort(void) {
  uint32_t count = figures.entries;
  Ranked *from = ranked[0], *to = ranked[1];
  for (uint32_t number = 0; number < count; number++) {
    uint64_t first;
    __builtin_memcpy(&first, word_of(&entries[number]), 8);
    from[number] = (Ranked){__builtin_bswap64(first), number};
  }
  /* Merges neighbours, of twice the width each time. */
  for (uint32_t width = 1; width < count; width *= 2) {
    for (uint32_t start = 0; start < count; start += 2 * width) {
      uint32_t middle = start + width < count ? start + width : count;
      uint32_t end = middle + width < count ? middle + width : count;
      uint32_t left = start, right = middle, at = start;
      while (left < middle && right < end) to[at++] = is_before(&from[right], &from[left]) ? from[right++] : from[left++];
      while (left < middle) to[at++] = from[left++];
      while (right < end) to[at++] = from[right++];
    }
    Ranked *sorted = to;
    to = from;
    from = sorted;
  }
  for (uint32_t at = 0; at < count; at++) {
    hashes[at] = from[at].number;
    lengths[at] = entries[from[at].number].length;
  }
}

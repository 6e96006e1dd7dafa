// Word count over bytes: 64 of them at a time are lower-cased and become one bit each, set where a word is; words are
// then found by counting zeros, and counted in a table of names.
#include "input.hpp"

#ifdef __AVX2__
#include <immintrin.h>

// Lower-cases 32 bytes into `out`, and says which of them are letters or digits.
static uint32_t classify(const char *in, char *out) {
  const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i *>(in));
  const auto between = [](__m256i value, char from, char to) {
    const __m256i offset = _mm256_sub_epi8(value, _mm256_set1_epi8(from));
    return _mm256_cmpeq_epi8(_mm256_min_epu8(offset, _mm256_set1_epi8(static_cast<char>(to - from))), offset);
  };
  const __m256i upper = between(bytes, 'A', 'Z');
  const __m256i lower = _mm256_or_si256(bytes, _mm256_and_si256(upper, _mm256_set1_epi8(0x20)));
  _mm256_storeu_si256(reinterpret_cast<__m256i *>(out), lower);
  const __m256i word = _mm256_or_si256(between(lower, 'a', 'z'), between(bytes, '0', '9'));
  return static_cast<uint32_t>(_mm256_movemask_epi8(word));
}
#else
static uint32_t classify(const char *in, char *out) {
  uint32_t mask = 0;
  for (int i = 0; i < 32; i++) {
    const char c = in[i] >= 'A' && in[i] <= 'Z' ? static_cast<char>(in[i] | 0x20) : in[i];
    out[i] = c;
    mask |= static_cast<uint32_t>((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) << i;
  }
  return mask;
}
#endif

// Small enough to stay in the cache between classifying and counting.
static const size_t pieceBytes = 1 << 15;

// Counts the words of a piece that ends with a line, and so with no word.
static void countPiece(const char *at, size_t length, std::vector<char> &text, std::vector<uint64_t> &bits,
                       Table<uint64_t> &counts) {
  const size_t blocks = (length + 63) / 64;
  for (size_t i = 0; i < blocks; i++) {
    const uint64_t low = classify(at + 64 * i, &text[64 * i]);
    const uint64_t high = classify(at + 64 * i + 32, &text[64 * i + 32]);
    bits[i] = low | high << 32;
  }
  if (length % 64 != 0) bits[blocks - 1] &= (uint64_t{1} << (length % 64)) - 1;
  size_t begin = 0;
  bool inWord = false;
  for (size_t i = 0; i < blocks; i++) {
    // Bits that differ from their predecessor: beginnings and ends in turn.
    uint64_t edges = bits[i] ^ (bits[i] << 1 | static_cast<uint64_t>(inWord));
    for (; edges != 0; edges &= edges - 1) {
      const size_t edge = 64 * i + static_cast<size_t>(__builtin_ctzll(edges));
      if (inWord) counts[Name(&text[begin], edge - begin)]++;
      begin = edge;
      inWord = !inWord;
    }
  }
  if (inWord) counts[Name(&text[begin], length - begin)]++;
}

int main(int count, char **arguments) {
  const std::vector<File> files = filesFrom(count, arguments, 2);
  std::vector<Table<uint64_t>> tables(threadCount());
  inThreads(rangesOf(files), [&](unsigned thread, auto take) {
    std::vector<char> text(2 * pieceBytes);
    std::vector<uint64_t> bits(pieceBytes / 32);
    for (Range range; take(range);) {
      for (const char *at = range.begin; at < range.end;) {
        const size_t rest = static_cast<size_t>(range.end - at);
        size_t length = std::min(rest, pieceBytes);
        if (length < rest) {
          const void *newline = memrchr(at, '\n', length);
          if (newline != nullptr) length = static_cast<size_t>(static_cast<const char *>(newline) + 1 - at);
        }
        countPiece(at, length, text, bits, tables[thread]);
        at += length;
      }
    }
  });
  for (size_t t = 1; t < tables.size(); t++)
    tables[t].each([&](const Name &name, uint64_t n) { tables[0][name] += n; });
  printMost(tables[0], 1000, [](uint64_t n) { return static_cast<double>(n); });
}

// Lines that match (king|queen)s? of [A-Z]: looks for " of ", which every match has, and checks what is around it.
#include "input.hpp"

static bool endsWith(const char *begin, const char *end, std::string_view word) {
  return static_cast<size_t>(end - begin) >= word.size() &&
         std::memcmp(end - word.size(), word.data(), word.size()) == 0;
}

static bool matches(const char *begin, const char *of, const char *end) {
  if (of + 4 >= end || of[4] < 'A' || of[4] > 'Z') return false;
  if (of > begin && of[-1] == 's') of--;
  return endsWith(begin, of, "king") || endsWith(begin, of, "queen");
}

int main(int count, char **arguments) {
  const std::vector<File> files = filesFrom(count, arguments, 2);
  inThreads(rangesOf(files), [&](unsigned thread, auto take) {
    const std::string path = std::string(arguments[1]) + "/found-" + std::to_string(thread);
    std::FILE *out = std::fopen(path.c_str(), "wb");
    for (Range range; take(range);) {
      const char *at = range.begin;
      while (true) {
        const char *of = static_cast<const char *>(memmem(at, static_cast<size_t>(range.end - at), " of ", 4));
        if (of == nullptr) break;
        at = of + 1;
        const void *before = memrchr(range.begin, '\n', static_cast<size_t>(of - range.begin));
        const char *begin = before == nullptr ? range.begin : static_cast<const char *>(before) + 1;
        if (!matches(begin, of, range.end)) continue;
        const char *newline = static_cast<const char *>(std::memchr(of, '\n', static_cast<size_t>(range.end - of)));
        std::fwrite(begin, 1, static_cast<size_t>(newline + 1 - begin), out);
        at = newline + 1;
      }
    }
    std::fclose(out);
  });
}

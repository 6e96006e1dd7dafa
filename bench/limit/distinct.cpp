// Different lines of up to 16 bytes: a table for each thread, whose names are brought together in the first.
#include "input.hpp"

int main(int count, char **arguments) {
  const std::vector<File> files = filesFrom(count, arguments, 2);
  std::vector<Table<char>> tables(threadCount());
  inThreads(rangesOf(files), [&](unsigned thread, auto take) {
    for (Range range; take(range);) {
      for (const char *at = range.begin; at < range.end;) {
        const char *newline =
            static_cast<const char *>(std::memchr(at, '\n', static_cast<size_t>(range.end - at)));
        tables[thread][Name(at, static_cast<size_t>(newline - at))] = 1;
        at = newline + 1;
      }
    }
  });
  for (size_t t = 1; t < tables.size(); t++) tables[t].each([&](const Name &name, char) { tables[0][name] = 1; });
  std::FILE *out = std::fopen((std::string(arguments[1]) + "/distinct").c_str(), "wb");
  tables[0].each([&](const Name &name, char) { std::fprintf(out, "%s\n", name.text().c_str()); });
  std::fclose(out);
}

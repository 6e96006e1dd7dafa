// Sums by key of the bench's CSV (id,key,value) and JSON lines ({"id":…,"key":"…","value":…}).
#include "input.hpp"

#include <cmath>

// The commas of a CSV's line, or the places where JSON's key and value begin and end, which are as regular.
static void addLine(const char *at, const char *newline, bool json, Table<double> &sums) {
  const size_t length = static_cast<size_t>(newline - at);
  const char *comma = static_cast<const char *>(std::memchr(at, ',', length));
  const char *key = comma + 1;
  if (json) key += std::strlen("\"key\":\"");
  const char end = json ? '"' : ',';
  const char *keyEnd = key;
  while (*keyEnd != end) keyEnd++;
  const char *value = json ? keyEnd + std::strlen("\",\"value\":") : keyEnd + 1;
  sums[Name(key, static_cast<size_t>(keyEnd - key))] += decimal(value, json ? newline - 1 : newline);
}

int main(int count, char **arguments) {
  const std::vector<File> files = filesFrom(count, arguments, 2);
  const char *format = std::getenv("BENCH_CASE");
  const bool json = format != nullptr && std::strcmp(format, "jsonl") == 0;
  std::vector<Table<double>> tables(threadCount());
  inThreads(rangesOf(files), [&](unsigned thread, auto take) {
    for (Range range; take(range);) {
      for (const char *at = range.begin; at < range.end;) {
        const char *newline =
            static_cast<const char *>(std::memchr(at, '\n', static_cast<size_t>(range.end - at)));
        // The header begins with a letter.
        if (json || (*at >= '0' && *at <= '9')) addLine(at, newline, json, tables[thread]);
        at = newline + 1;
      }
    }
  });
  for (size_t t = 1; t < tables.size(); t++)
    tables[t].each([&](const Name &name, double sum) { tables[0][name] += sum; });
  printMost(tables[0], 1000, [](double sum) { return std::round(sum * 100); });
}

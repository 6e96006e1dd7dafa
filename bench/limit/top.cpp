// The rows of id,key,value with the greatest values: keeps what is above a bound, and raises it when there are many.
#include "input.hpp"

static const size_t wanted = 1000;
using Row = std::pair<double, uint64_t>;

static void keepMost(std::vector<Row> &rows) {
  if (rows.size() <= wanted) return;
  std::nth_element(rows.begin(), rows.begin() + wanted - 1, rows.end(), std::greater<>());
  rows.resize(wanted);
}

int main(int count, char **arguments) {
  const std::vector<File> files = filesFrom(count, arguments, 2);
  std::vector<std::vector<Row>> most(threadCount());
  inThreads(rangesOf(files), [&](unsigned thread, auto take) {
    std::vector<Row> &rows = most[thread];
    double least = -1;
    for (Range range; take(range);) {
      for (const char *at = range.begin; at < range.end;) {
        const char *newline =
            static_cast<const char *>(std::memchr(at, '\n', static_cast<size_t>(range.end - at)));
        if (*at >= '0' && *at <= '9') {
          const char *comma = static_cast<const char *>(memrchr(at, ',', static_cast<size_t>(newline - at)));
          const double value = decimal(comma + 1, newline);
          if (value > least) rows.push_back({value, std::strtoull(at, nullptr, 10)});
          if (rows.size() >= 4 * wanted) {
            keepMost(rows);
            least = std::min_element(rows.begin(), rows.end())->first;
          }
        }
        at = newline + 1;
      }
    }
  });
  for (size_t t = 1; t < most.size(); t++) most[0].insert(most[0].end(), most[t].begin(), most[t].end());
  keepMost(most[0]);
  std::sort(most[0].begin(), most[0].end(), std::greater<>());
  for (const auto &[value, id] : most[0]) std::printf("[%lu,%.2f]\n", static_cast<unsigned long>(id), value);
}

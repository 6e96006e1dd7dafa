// Orders (order,customer,cents) with customers (customer,region,discount): a table of the customers that all threads
// read, and a sum for each region and thread.
#include "input.hpp"

#include <map>

struct Customer {
  uint16_t region;
  uint16_t share;
};

int main(int, char **arguments) {
  const std::vector<File> orders = filesFrom(3, arguments, 2);
  const File customers(arguments[3]);
  std::map<std::string, uint16_t> regions;
  Table<Customer> table(1 << 20);
  const char *end = customers.data + customers.size;
  const char *at = static_cast<const char *>(std::memchr(customers.data, '\n', customers.size)) + 1;
  while (at < end) {
    const char *first = std::strchr(at, ',');
    const char *second = std::strchr(first + 1, ',');
    const char *newline = std::strchr(second, '\n');
    const auto [region, isNew] =
        regions.emplace(std::string(first + 1, second), static_cast<uint16_t>(regions.size()));
    table[Name(at, static_cast<size_t>(first - at))] = {region->second,
                                                        static_cast<uint16_t>(100 - decimal(second + 1, newline))};
    at = newline + 1;
  }
  std::vector<std::vector<uint64_t>> sums(threadCount(), std::vector<uint64_t>(regions.size()));
  inThreads(rangesOf(orders), [&](unsigned thread, auto take) {
    for (Range range; take(range);) {
      for (const char *row = range.begin; row < range.end;) {
        const char *name = row;
        while (*name != ',') name++;
        const char *cents = ++name;
        while (*cents != ',') cents++;
        const char *newline = cents;
        while (*newline != '\n') newline++;
        const Customer *customer = table.find(Name(name, static_cast<size_t>(cents - name)));
        if (customer != nullptr)
          sums[thread][customer->region] += static_cast<uint64_t>(decimal(cents + 1, newline)) * customer->share;
        row = newline + 1;
      }
    }
  });
  for (const auto &[region, number] : regions) {
    uint64_t sum = 0;
    for (const auto &part : sums) sum += part[number];
    std::printf("[\"%s\",%lu]\n", region.c_str(), static_cast<unsigned long>(sum));
  }
}

// What the limit programs share: files mapped into memory and cut into ranges that begin with a line, threads that take
// the next range, a hash, and a table from short names to numbers. They know their input and check nothing: they say
// how fast a machine can do this, not how fast a program should.
#pragma once
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

inline unsigned threadCount() {
  const char *text = std::getenv("BENCH_THREADS");
  return text == nullptr ? 2 : static_cast<unsigned>(std::atoi(text));
}

struct File {
  const char *data;
  size_t size;

  // Pages past the end are there and zero, so that whole words can be loaded at the end.
  explicit File(const char *path) {
    const int fd = open(path, O_RDONLY);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0) {
      std::perror(path);
      std::exit(1);
    }
    size = static_cast<size_t>(status.st_size);
    const size_t slack = 1 << 16;
    void *space = mmap(nullptr, size + slack, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    data = static_cast<const char *>(mmap(space, size, PROT_READ, MAP_PRIVATE | MAP_FIXED | MAP_POPULATE, fd, 0));
    close(fd);
  }
};

struct Range {
  const char *begin;
  const char *end;
};

// Ranges of some MB, each from the beginning of a line to the end of one.
inline std::vector<Range> rangesOf(const std::vector<File> &files) {
  const size_t rangeBytes = 4 << 20;
  std::vector<Range> ranges;
  for (const File &file : files) {
    const char *end = file.data + file.size;
    for (const char *at = file.data; at < end;) {
      const char *stop = at + rangeBytes;
      if (stop >= end) {
        stop = end;
      } else {
        const void *newline = std::memchr(stop, '\n', static_cast<size_t>(end - stop));
        stop = newline == nullptr ? end : static_cast<const char *>(newline) + 1;
      }
      ranges.push_back({at, stop});
      at = stop;
    }
  }
  return ranges;
}

// Calls `work(thread, take)` in each thread, where `take(range)` gives the next range or false.
template <typename Work> void inThreads(const std::vector<Range> &ranges, Work work) {
  std::atomic<size_t> next{0};
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < threadCount(); t++)
    threads.emplace_back([&, t] {
      work(t, [&](Range &range) {
        const size_t i = next++;
        if (i >= ranges.size()) return false;
        range = ranges[i];
        return true;
      });
    });
  for (std::thread &thread : threads) thread.join();
}

inline uint64_t load(const char *at) {
  uint64_t word;
  std::memcpy(&word, at, 8);
  return word;
}

// The first `length` bytes of a loaded word.
inline uint64_t masked(uint64_t word, size_t length) {
  return length >= 8 ? word : word & ((uint64_t{1} << (8 * length)) - 1);
}

// A name of up to 16 bytes, padded with zeros. Longer ones are cut, which the bench's own data has none of.
struct Name {
  uint64_t low = 0;
  uint64_t high = 0;

  Name() = default;
  Name(const char *at, size_t length)
      : low(masked(load(at), length)), high(length > 8 ? masked(load(at + 8), length - 8) : 0) {}

  bool operator==(const Name &) const = default;
  uint64_t hash() const {
    const __uint128_t product = static_cast<__uint128_t>(low ^ 0x9e3779b97f4a7c15) * (high ^ 0xd6e8feb86659fd93);
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
  }
  std::string text() const {
    char bytes[16];
    std::memcpy(bytes, &low, 8);
    std::memcpy(bytes + 8, &high, 8);
    return {bytes, strnlen(bytes, 16)};
  }
};

// Open addressing; the empty name marks a free slot, and is no key.
template <typename Value> struct Table {
  struct Entry {
    Name name;
    Value value;
  };
  std::vector<Entry> entries;
  size_t used = 0;

  explicit Table(size_t slots = 1 << 16) : entries(slots) {}

  Value &operator[](const Name &name) {
    size_t slot = name.hash() & (entries.size() - 1);
    while (!(entries[slot].name == name)) {
      if (entries[slot].name == Name()) {
        if (2 * ++used > entries.size()) {
          grow();
          used--;
          return (*this)[name];
        }
        entries[slot].name = name;
        break;
      }
      slot = (slot + 1) & (entries.size() - 1);
    }
    return entries[slot].value;
  }

  const Value *find(const Name &name) const {
    size_t slot = name.hash() & (entries.size() - 1);
    while (!(entries[slot].name == name)) {
      if (entries[slot].name == Name()) return nullptr;
      slot = (slot + 1) & (entries.size() - 1);
    }
    return &entries[slot].value;
  }

  template <typename Use> void each(Use use) const {
    for (const Entry &entry : entries)
      if (!(entry.name == Name())) use(entry.name, entry.value);
  }

private:
  void grow() {
    std::vector<Entry> old(entries.size() * 2);
    old.swap(entries);
    for (const Entry &entry : old) {
      if (entry.name == Name()) continue;
      size_t slot = entry.name.hash() & (entries.size() - 1);
      while (!(entries[slot].name == Name())) slot = (slot + 1) & (entries.size() - 1);
      entries[slot] = entry;
    }
  }
};

// Prints the names with the greatest values as lines of JSON.
template <typename Value, typename Show> void printMost(const Table<Value> &table, size_t count, Show show) {
  std::vector<std::pair<Value, Name>> rows;
  table.each([&](const Name &name, Value value) { rows.push_back({value, name}); });
  const auto middle = rows.begin() + static_cast<ptrdiff_t>(std::min(count, rows.size()));
  std::partial_sort(rows.begin(), middle, rows.end(), [](auto &a, auto &b) { return a.first > b.first; });
  for (auto row = rows.begin(); row != middle; row++)
    std::printf("[\"%s\",%.0f]\n", row->second.text().c_str(), show(row->first));
}

// Digits with a point or without.
inline double decimal(const char *at, const char *end) {
  uint64_t whole = 0;
  double scale = 1;
  bool afterPoint = false;
  for (; at < end; at++) {
    if (*at == '.') {
      afterPoint = true;
    } else {
      whole = whole * 10 + static_cast<uint64_t>(*at - '0');
      if (afterPoint) scale *= 10;
    }
  }
  return static_cast<double>(whole) / scale;
}

inline std::vector<File> filesFrom(int count, char **paths, int first) {
  std::vector<File> files;
  for (int i = first; i < count; i++) files.emplace_back(paths[i]);
  return files;
}

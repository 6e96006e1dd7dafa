// Records of 100 bytes by their first 10: dealt into buckets by the first two bytes, each bucket sorted by the next
// eight, and the records gathered and written where they belong.
#include "input.hpp"

static const size_t recordBytes = 100;
static const size_t bucketCount = 1 << 16;

struct Key {
  uint64_t rest;
  uint32_t record;
};

static size_t bucketOf(const char *record) {
  return static_cast<size_t>(static_cast<unsigned char>(record[0])) << 8 | static_cast<unsigned char>(record[1]);
}

// Calls `work(begin, end, thread)` with equal shares of `count`.
template <typename Work> static void inShares(size_t count, Work work) {
  std::vector<std::thread> threads;
  const unsigned shares = threadCount();
  for (unsigned t = 0; t < shares; t++)
    threads.emplace_back([=] { work(count * t / shares, count * (t + 1) / shares, t); });
  for (std::thread &thread : threads) thread.join();
}

int main(int, char **arguments) {
  const File file(arguments[2]);
  const size_t records = file.size / recordBytes;
  const std::string path = std::string(arguments[1]) + "/sorted";
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0644);

  std::vector<std::vector<uint32_t>> places(threadCount(), std::vector<uint32_t>(bucketCount));
  inShares(records, [&](size_t begin, size_t end, unsigned t) {
    for (size_t i = begin; i < end; i++) places[t][bucketOf(file.data + i * recordBytes)]++;
  });
  std::vector<uint32_t> starts(bucketCount + 1);
  uint32_t sum = 0;
  for (size_t bucket = 0; bucket < bucketCount; bucket++) {
    starts[bucket] = sum;
    for (auto &place : places) {
      const uint32_t n = place[bucket];
      place[bucket] = sum;
      sum += n;
    }
  }
  starts[bucketCount] = sum;
  std::vector<Key> keys(records);
  inShares(records, [&](size_t begin, size_t end, unsigned t) {
    for (size_t i = begin; i < end; i++) {
      const char *record = file.data + i * recordBytes;
      keys[places[t][bucketOf(record)]++] = {__builtin_bswap64(load(record + 2)), static_cast<uint32_t>(i)};
    }
  });

  std::atomic<size_t> nextBucket{0};
  inShares(threadCount(), [&](size_t, size_t, unsigned) {
    std::vector<char> sorted;
    for (size_t from; (from = nextBucket.fetch_add(256)) < bucketCount;) {
      const size_t to = from + 256;
      for (size_t bucket = from; bucket < to; bucket++)
        std::sort(keys.begin() + starts[bucket], keys.begin() + starts[bucket + 1],
                  [](const Key &a, const Key &b) { return a.rest != b.rest ? a.rest < b.rest : a.record < b.record; });
      const size_t bytes = (starts[to] - starts[from]) * recordBytes;
      sorted.resize(bytes);
      for (size_t i = starts[from]; i < starts[to]; i++)
        std::memcpy(&sorted[(i - starts[from]) * recordBytes], file.data + keys[i].record * recordBytes, recordBytes);
      for (size_t done = 0; done < bytes;) {
        const ssize_t n = pwrite(fd, &sorted[done], bytes - done, static_cast<off_t>(starts[from] * recordBytes + done));
        if (n <= 0) {
          std::perror(path.c_str());
          std::exit(1);
        }
        done += static_cast<size_t>(n);
      }
    }
  });
  close(fd);
}

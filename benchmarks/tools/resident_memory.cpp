// Does the budget hold? Fills a MemoryStore with real pages, replaces everything ten times, and compares the growth of this
// process's resident memory with the capacity. Ends with 1 if it was ever above 1.15 times that.
//
//   resident_memory [DIRECTORY] [MIB] [THREADS]     pages: every *.md below DIRECTORY
//
// Before that it measures what an entry costs beside its texts.

#include <render_cache/store/memory.hpp>
#include <render_cache/wiki.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <malloc.h>
#include <unistd.h>

using namespace render_cache;

namespace {

std::size_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t total = 0, resident = 0;
  statm >> total >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

std::vector<std::string> pages_below(const std::string& directory) {
  std::vector<std::string> pages;
  for (const auto& file : std::filesystem::recursive_directory_iterator(directory)) {
    if (file.path().extension() != ".md") continue;
    std::ifstream in(file.path(), std::ios::binary);
    pages.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  return pages;
}

EntryPtr<WikiPage> make_entry(std::string html, unsigned long number) {
  return std::make_shared<const Entry<WikiPage>>(
      Entry<WikiPage>{{std::move(html), {R"({"title": "A chapter", "toc": []})"}},
                      Fingerprint().add("source", "s2:" + std::to_string(number)).add("renderer", "markdown/1"),
                      {},
                      {}});
}

/// Resident bytes for each of many entries with texts so short that no string owns memory, but for the fingerprint's 129.
std::size_t measured_overhead() {
  constexpr std::size_t entries = 200'000;
  const auto before = resident_bytes();
  MemoryStore<WikiSchema> store({.capacity = std::size_t{1} << 30});
  for (std::size_t number = 0; number < entries; ++number) {
    store.publish({"book", std::to_string(number)},
                  std::make_shared<const Entry<WikiPage>>(Entry<WikiPage>{{}, Fingerprint().add("source", number), {}, {}}));
  }
  return (resident_bytes() - before) / store.stats().entries;
}

double mib(std::size_t bytes) { return static_cast<double>(bytes) / (1 << 20); }

}  // namespace

int main(int argc, char** argv) {
  const std::string directory = argc > 1 ? argv[1] : RENDER_CACHE_SOURCE_DIR;
  const std::size_t capacity = (argc > 2 ? std::stoul(argv[2]) : 256) << 20;
  const unsigned threads = argc > 3 ? static_cast<unsigned>(std::stoul(argv[3])) : 2;
  const auto pages = pages_below(directory);
  if (pages.empty()) {
    std::fprintf(stderr, "no *.md below '%s'\n", directory.c_str());
    return EXIT_FAILURE;
  }

  std::printf("an entry with empty texts: %zu bytes resident, weight %zu\n", measured_overhead(),
              MemoryStore<WikiSchema>().weight({"book", "0"}, Entry<WikiPage>{{}, Fingerprint().add("source", 0), {}, {}}));
  malloc_trim(0);

  const auto before = resident_bytes();
  MemoryStore<WikiSchema> store({.capacity = capacity});
  std::atomic<std::size_t> published = 0;
  const auto load = [&](unsigned thread) {
    std::mt19937 random(thread);
    while (published < 11 * capacity) {
      const auto number = random();
      const WikiKey key{"book", "chapter-" + std::to_string(number % (1u << 20)) + ".md"};
      const auto entry = make_entry(pages[number % pages.size()], number);
      published += store.weight(key, *entry);
      store.publish(key, entry);
      store.lookup(key, entry->fingerprint);
      if (number % 4 == 0) {  // read again, so that main and ghost queue are in use
        for (int again = 0; again < 3; ++again) store.lookup(key, entry->fingerprint);
      }
    }
  };
  std::vector<std::jthread> workers;
  for (unsigned i = 0; i < threads; ++i) workers.emplace_back(load, i);

  std::size_t peak = 0;
  while (published < 11 * capacity) {
    peak = std::max(peak, resident_bytes() - before);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  workers.clear();
  const auto growth = resident_bytes() - before;
  peak = std::max(peak, growth);
  const auto stats = store.stats();
  const double ratio = mib(peak) / mib(capacity);
  std::printf("%zu pages of %zu bytes on average, %u threads\n", pages.size(),
              stats.bytes / std::max<std::size_t>(stats.entries, 1), threads);
  std::printf("capacity %.0f MiB, weight held %.1f MiB in %zu entries, evictions %llu\n", mib(capacity), mib(stats.bytes),
              stats.entries, static_cast<unsigned long long>(stats.evictions));
  std::printf("resident growth: %.1f MiB now, %.1f MiB at most: %.3f of the capacity (limit 1.15)\n", mib(growth), mib(peak),
              ratio);
  return ratio <= 1.15 ? EXIT_SUCCESS : EXIT_FAILURE;
}

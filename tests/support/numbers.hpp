// Sources whose state is a number that only grows, nodes that read them, and histories of what they do.
#pragma once

#include <render_cache/cache.hpp>
#include <render_cache/laws/faulty_store.hpp>
#include <render_cache/laws/history.hpp>
#include <render_cache/laws/history_check.hpp>
#include <render_cache/laws/recorded_store.hpp>
#include <render_cache/wiki.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace render_cache::test {

inline constexpr std::size_t pages = 3;
using Sources = std::array<std::atomic<long>, pages>;

inline WikiKey key_of(std::size_t page) { return {"docs", std::to_string(page)}; }
inline const std::string& name_of(std::size_t page) {
  static const std::array<std::string, pages> names{describe_key(key_of(0)), describe_key(key_of(1)), describe_key(key_of(2))};
  return names.at(page);
}
/// What a history calls a state.
inline std::string state(long number) { return Fingerprint().add("source", number).add("renderer", "number/1").text(); }

/// Cannot be frozen: it is sampled before and after.
struct Live {
  static constexpr bool source_can_move = true;
  Fingerprint components(const std::atomic<long>* source) const { return Fingerprint().add("source", source->load()); }
};
/// As a file.
struct Freezable {
  Fingerprint components(const std::atomic<long>* source) const { return Fingerprint().add("source", source->load()); }
  Frozen<long> freeze(const std::atomic<long>* source) const {
    const long now = source->load();
    return {Fingerprint().add("source", now), now};
  }
};

/// Its pages tell of which state they are.
struct NumberRenderer {
  laws::Log* log;
  std::function<void(const WikiKey&)> before = [](const WikiKey&) {};

  static std::string_view version() { return "number/1"; }
  WikiPage render(const WikiKey& key, long number) const {
    const auto call = laws::Log::now();
    before(key);
    auto of = state(number);
    log->add(laws::Event::Kind::render, describe_key(key), of, call, laws::Log::now());
    return {std::move(of), {"{}"}};
  }
  WikiPage render(const WikiKey& key, const std::atomic<long>* source) const {
    auto page = render(key, source->load());
    std::this_thread::yield();
    if (source->load() % 7 == 0) throw std::runtime_error("sevens cannot be rendered");
    return page;
  }
};

inline laws::History merged(std::initializer_list<const laws::Log*> logs) {
  laws::History history;
  for (const auto* log : logs) history.add(*log);
  return history;
}

/// Reads a page, and takes down what came of it.
template <class Cache>
auto read(laws::Log& log, Cache& cache, const Sources& sources, std::size_t page, bool refresh = false) {
  const auto says = [](const WikiPage& value) -> std::string_view { return value.rendered_html; };
  return log.read(
      name_of(page),
      [&] { return refresh ? cache.refresh(key_of(page), &sources[page]) : cache.get(key_of(page), &sources[page]); }, says);
}
/// Edits a page, which nobody else does, and takes that down.
inline void edit(laws::Log& log, Sources& sources, std::size_t page) {
  const long next = sources[page] + 1;
  log.edit(name_of(page), state(next), [&] { sources[page] = next; });
}

/// A run: its log is of process 1, and what reads and edits in it has logs of its own.
struct Numbers {
  Sources sources{};
  laws::Log log{1};
  std::vector<std::unique_ptr<laws::Log>> more{};

  Numbers() {
    for (std::size_t page = 0; page < pages; ++page) log.edit(name_of(page), state(0));
  }
  laws::Log& new_log(std::uint32_t process) { return *more.emplace_back(std::make_unique<laws::Log>(process)); }

  template <class Cache>
  auto read(laws::Log& into, Cache& cache, std::size_t page, bool refresh = false) {
    return test::read(into, cache, sources, page, refresh);
  }
  void edit(laws::Log& into, std::size_t page) { test::edit(into, sources, page); }
  [[nodiscard]] laws::History history() const {
    laws::History all;
    all.add(log);
    for (const auto& each : more) all.add(*each);
    return all;
  }

  /// Four threads read from the nodes, which are processes 1, 2, ..., while an editor edits and `disturb(random)` disturbs.
  template <class Cache>
  void run(unsigned seed, const std::vector<Cache*>& nodes, std::chrono::milliseconds time, bool refreshes, auto&& disturb) {
    const auto end = std::chrono::steady_clock::now() + time;
    const auto until_end = [&](auto step) {
      return [=](unsigned of) {
        std::mt19937 random(of);
        while (std::chrono::steady_clock::now() < end) step(random);
      };
    };
    std::vector<std::jthread> threads;
    for (int reader = 0; reader < 4; ++reader) {
      std::vector<laws::Log*> logs;
      for (std::uint32_t process = 1; process <= nodes.size(); ++process) logs.push_back(&new_log(process));
      threads.emplace_back(until_end([&, this, logs](std::mt19937& random) {
                             const auto node = random() % nodes.size();
                             try {
                               read(*logs[node], *nodes[node], random() % pages, refreshes && random() % 16 == 0);
                             } catch (const std::runtime_error&) {
                             }
                           }),
                           seed++);
    }
    threads.emplace_back(until_end([this, into = &new_log(1)](std::mt19937& random) {
                           edit(*into, random() % pages);
                           std::this_thread::sleep_for(std::chrono::microseconds(random() % 300));
                         }),
                         seed++);
    threads.emplace_back(until_end([&](std::mt19937& random) {
                           disturb(random);
                           std::this_thread::sleep_for(std::chrono::microseconds(random() % 500));
                         }),
                         seed++);
  }
};

}  // namespace render_cache::test

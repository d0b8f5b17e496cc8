#include <render_cache/store/memory/node_table.hpp>

#include <memory>
#include <random>
#include <set>
#include <vector>

#include "support/catch.hpp"

using namespace render_cache;

namespace {

/// Counts how often a node is looked at, which each node that moves is.
struct CountedNode {
  std::uint64_t number;
  CountedNode* next = nullptr;
  static inline std::size_t looks = 0;

  [[nodiscard]] std::uint64_t hash() const noexcept {
    ++looks;
    return number;
  }
};

using Table = detail::NodeTable<CountedNode>;

CountedNode* find(const Table& table, std::uint64_t number) {
  return table.find(number, [&](const CountedNode& node) { return node.number == number; });
}

void insert(Table& table, std::uint64_t number) {
  table.reserve_one();
  table.insert(std::make_unique<CountedNode>(CountedNode{number}));
}

}  // namespace

TEST_CASE("a table of nodes grows by a few nodes at an insertion, whatever its size") {
  std::mt19937_64 random(1);
  Table table;
  std::size_t most = 0;
  for (int i = 0; i < 100'000; ++i) {
    CountedNode::looks = 0;
    insert(table, random());
    most = std::max(most, CountedNode::looks);
  }
  CHECK(table.size() == 100'000);
  CHECK(table.buckets() == 200'000);
  CHECK(most < 30);  // doubling at once looks at 65,536
}

TEST_CASE("a table of nodes finds what was inserted and not removed, however it grows") {
  std::mt19937_64 random(2);
  Table table;
  std::set<std::uint64_t> model;
  for (int i = 0; i < 20'000; ++i) {
    // Few bits differ in one half of them: several nodes share a bucket.
    const auto number = i % 2 ? random() : random() % 512 << 40 | random() % 64;
    if (auto* const node = find(table, number)) {
      REQUIRE(model.contains(number));
      REQUIRE(table.remove(*node)->number == number);
      model.erase(number);
    } else {
      REQUIRE_FALSE(model.contains(number));
      insert(table, number);
      model.insert(number);
    }
    REQUIRE(table.size() == model.size());
  }
  for (const auto number : model) REQUIRE(find(table, number) != nullptr);
}

TEST_CASE("a scan that stops while a table of nodes grows passes none over") {
  std::mt19937_64 random(3);
  Table table;
  std::set<std::uint64_t> from_the_start, seen;
  for (int i = 0; i < 1'000; ++i) {
    const auto number = random();
    insert(table, number);
    from_the_start.insert(number);
  }
  for (std::size_t bucket = 0; bucket < table.buckets(); ++bucket) {
    table.visit_bucket(bucket, [&](const CountedNode& node) { seen.insert(node.number); });
    if (bucket < 3'000) insert(table, random());
  }
  for (const auto number : from_the_start) REQUIRE(seen.contains(number));
}

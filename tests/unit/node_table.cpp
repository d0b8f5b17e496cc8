#include <render_cache/store/memory/node_table.hpp>

#include <memory>
#include <random>
#include <set>
#include <vector>

#include "support/catch.hpp"

namespace node_table_tests {

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

TEST_CASE("a table of nodes makes use of the buckets that it grows by") {
  Table table;
  for (std::uint64_t number = 0; number < 1000; ++number) insert(table, number);
  for (std::size_t bucket = 0; bucket < table.buckets(); ++bucket) {
    int there = 0;
    table.visit_bucket(bucket, [&](const CountedNode&) { ++there; });
    REQUIRE(there <= 1);
  }
}

namespace {

struct OwnedNode {
  std::shared_ptr<int> owns;
  std::uint64_t number = 0;
  OwnedNode* next = nullptr;
  [[nodiscard]] std::uint64_t hash() const noexcept { return number; }
};

}  // namespace

TEST_CASE("of nodes with one hash that is found which is it, and of one chain only those with the hash") {
  detail::NodeTable<OwnedNode> table;
  const auto first = std::make_shared<int>(), second = std::make_shared<int>();
  for (const auto& owned : {first, second}) {
    table.reserve_one();
    table.insert(std::make_unique<OwnedNode>(OwnedNode{owned, 5}));
  }
  for (const auto& owned : {first, second}) {
    const auto* const found = table.find(5, [&](const OwnedNode& node) { return node.owns == owned; });
    REQUIRE(found);
    CHECK(found->owns == owned);
  }
  CHECK(table.find(5 | std::uint64_t{1} << 63, [](const OwnedNode&) { return true; }) == nullptr);
}

TEST_CASE("a table and a chain of nodes destroy what they own, in all buckets") {
  const auto owned = std::make_shared<int>();
  {
    detail::NodeTable<OwnedNode> table;
    detail::NodeChain<OwnedNode> chain;
    for (std::uint64_t number = 0; number < 1000; ++number) {
      table.reserve_one();
      table.insert(std::make_unique<OwnedNode>(OwnedNode{owned, number}));
      chain.push(std::make_unique<OwnedNode>(OwnedNode{owned, number}));
    }
    CHECK(owned.use_count() == 2001);
    std::uint64_t next = 1000;
    chain.for_each([&](const OwnedNode& node) { CHECK(node.number == --next); });
    CHECK(next == 0);
  }
  CHECK(owned.use_count() == 1);
}

}  // namespace node_table_tests

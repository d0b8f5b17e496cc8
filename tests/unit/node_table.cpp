#include <render_cache/store/memory/node_table.hpp>

#include "support/catch.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <vector>

using render_cache::detail::NodeChain;
using render_cache::detail::NodeTable;

namespace {

struct Node {
  Node(std::uint64_t of, int nth) : hash_(of), number(nth) { ++alive; }
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  ~Node() { --alive; }
  [[nodiscard]] std::uint64_t hash() const noexcept { return hash_; }

  std::uint64_t hash_;
  int number;
  Node* next = nullptr;
  static inline int alive = 0;
};

}  // namespace

TEST_CASE("a table finds what was inserted by hash and key, and at its end nothing is left", "[memory]") {
  std::mt19937_64 random(3);
  {
    NodeTable<Node> table;
    std::map<int, std::uint64_t> expected;
    const auto find = [&](int number, std::uint64_t hash) {
      return table.find(hash, [&](const Node& node) { return node.number == number; });
    };
    for (int number = 0; number < 3000; ++number) {
      // Of each hash there are two, and many have their low bits in common.
      const auto hash = number % 2 == 1 ? expected.rbegin()->second : random() << (random() % 3 == 0 ? 10 : 0);
      table.reserve_one();
      table.insert(std::make_unique<Node>(hash, number));
      expected.emplace(number, hash);
      if (number % 5 == 4) {
        const auto gone = expected.begin();
        CHECK(table.remove(*find(gone->first, gone->second))->number == gone->first);
        CHECK(find(gone->first, gone->second) == nullptr);
        expected.erase(gone);
      }
      REQUIRE(table.size() == expected.size());
      REQUIRE(table.buckets() >= 2 * table.size());
      REQUIRE(table.buckets() <= std::max<std::size_t>(64, 2 * static_cast<std::size_t>(number + 1)));
    }
    for (const auto& [number, hash] : expected) {
      const auto* const found = find(number, hash);
      REQUIRE(found);
      REQUIRE(found->number == number);
      REQUIRE(found->hash() == hash);
      REQUIRE(find(number, hash + 1) == nullptr);
      REQUIRE(find(number, hash ^ (std::uint64_t{1} << 63)) == nullptr);  // in the same chain
    }
    std::vector<int> visited;
    for (std::size_t bucket = 0; bucket < table.buckets(); ++bucket) {
      table.visit_bucket(bucket, [&](const Node& node) { visited.push_back(node.number); });
    }
    std::sort(visited.begin(), visited.end());
    REQUIRE(visited.size() == expected.size());
    REQUIRE(std::equal(visited.begin(), visited.end(), expected.begin(), [](int a, const auto& b) { return a == b.first; }));
    CHECK(Node::alive == static_cast<int>(expected.size()));
  }
  CHECK(Node::alive == 0);
}

TEST_CASE("a table grows by two buckets at the most with each node", "[memory]") {
  NodeTable<Node> table;
  CHECK(table.buckets() == 64);
  for (std::uint64_t hash = 0; hash < 1000; ++hash) {
    table.reserve_one();
    table.insert(std::make_unique<Node>(hash, 0));
    REQUIRE(table.buckets() == std::max<std::size_t>(64, 2 * table.size()));
  }
  for (std::size_t bucket = 0; bucket < table.buckets(); ++bucket) {  // and makes use of them
    int there = 0;
    table.visit_bucket(bucket, [&](const Node&) { ++there; });
    REQUIRE(there <= 1);
  }
}

TEST_CASE("a chain destroys at its end what was pushed", "[memory]") {
  {
    NodeChain<Node> chain;
    for (int number = 0; number < 3; ++number) chain.push(std::make_unique<Node>(0, number));
    std::vector<int> visited;
    chain.for_each([&](const Node& node) { visited.push_back(node.number); });
    CHECK(visited == std::vector<int>{2, 1, 0});
    CHECK(Node::alive == 3);
  }
  CHECK(Node::alive == 0);
}

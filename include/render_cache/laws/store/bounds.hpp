// A cache in a database is kept within bounds: what is too old goes, and then what is oldest. For stores that have bounds and a schema, and
// whose models have `connection()`, by which the laws make entries old.
#pragma once

#include <render_cache/entry/text_form.hpp>
#include <render_cache/laws/store/subject.hpp>
#include <render_cache/sql/columns.hpp>
#include <render_cache/sql/connection.hpp>
#include <render_cache/sql/statement.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <stop_token>
#include <string>
#include <type_traits>
#include <utility>

namespace render_cache::laws {

template <class Model>
void bound_laws() {
  Subject<Model> subject;
  if constexpr (requires {
                  subject.model.connection();
                  typename Subject<Model>::Store::schema_type;
                }) {
    using K = typename Subject<Model>::K;
    using Connection = std::remove_cvref_t<decltype(subject.model.connection())>;
    using Dialect = typename Connection::Dialect;
    static_assert(HasBounds<typename Subject<Model>::Store>);
    auto& store = subject.store;
    decltype(auto) connection = subject.model.connection();
    const Table table = table_of<typename Subject<Model>::Store::schema_type>();
    const auto key = [](unsigned number) { return sample_key<K>(number, number); };
    const auto publish = [&](unsigned number) { subject.publish(key(number), number); };
    // The time of all that was published since this was called last.
    const auto date = [&](const std::string& time) {
      const auto& column = table.rendered_at();
      const auto name = detail::quoted<Dialect>(column.name);
      detail::query(connection,
                    detail::text({"UPDATE ", detail::quoted<Dialect>(table.name), " SET ", name, " = ",
                                  Dialect::input(column, "$1"), " WHERE ", name, " >= ", Dialect::input(column, "$2")}),
                    {time, "2020-01-01T00:00:00.000000Z"});
    };
    const auto publish_in = [&](const std::string& year, unsigned number) {
      publish(number);
      date(year + "-01-01T00:00:00.000000Z");
    };
    const auto bytes = [&] {
      const auto sum = detail::joined(table.columns(), " + ", [](const Column& column, std::size_t) {
        return detail::text({"coalesce(", Dialect::bytes(detail::of_table<Dialect>(column)), ", 0)"});
      });
      const auto rows = detail::query(
          connection, detail::text({"SELECT sum(", sum, ") FROM ", detail::quoted<Dialect>(table.name), " AS t"}), {});
      return from_text<std::uint64_t>(rows.at(0).at(0).value_or("0")).value();
    };
    const auto check_left = [&](std::initializer_list<unsigned> left, unsigned count) {
      for (unsigned number = 0; number < count; ++number) {
        INFO("entry " << number);
        std::find(left.begin(), left.end(), number) == left.end() ? subject.check_absent(key(number), number)
                                                                  : subject.check_holds(key(number), number);
      }
    };
    const std::chrono::hours ten_days(240);

    SECTION("without bounds nothing is looked at, nor where all pages of the table are within") {
      publish_in("2001", 0);
      CHECK(store.prune_to({}) == PruneReport{});
      CHECK(store.prune_to({.max_bytes = std::uint64_t{1} << 40}) == PruneReport{});
      check_left({0}, 1);
    }

    SECTION("an empty store is within all bounds") {
      CHECK(store.prune_to({.max_age = ten_days, .max_bytes = 1}) == PruneReport{});
    }

    SECTION("what is older than the age goes") {
      publish_in("2001", 0);
      publish_in("2019", 1);
      publish(2);
      CHECK(store.prune_to({.max_age = std::chrono::years(500)}) == PruneReport{3, 0, 0, false});
      CHECK(store.prune_to({.max_age = ten_days}) == PruneReport{3, 2, 0, false});
      check_left({2}, 3);
    }

    SECTION("the oldest go until the rest fits, and none where all do") {
      publish_in("2003", 0);
      publish_in("2001", 1);
      publish_in("2002", 2);
      publish_in("2004", 3);
      const auto all = bytes();
      CHECK(store.prune_to({.max_bytes = all}).removed == 0);
      CHECK(store.prune_to({.max_bytes = all - 1}) == PruneReport{4, 1, 0, false});
      check_left({0, 2, 3}, 4);
      const auto rest = bytes();
      CHECK(rest < all);
      publish_in("2001", 1);
      CHECK(store.prune_to({.max_bytes = rest}) == PruneReport{4, 1, 0, false});
      check_left({0, 2}, 3);
      CHECK(store.prune_to({.max_bytes = 1}).removed >= 1);
      CHECK(bytes() == 0);
    }

    SECTION("of entries that are equally old no more go than must") {
      constexpr unsigned count = 20;
      for (unsigned number = 0; number < count; ++number) publish(number);
      date("2001-01-01T00:00:00.000000Z");
      for (unsigned left = count; left > 1; --left) {
        CHECK(store.prune_to({.max_bytes = bytes()}).removed == 0);
        CHECK(store.prune_to({.max_bytes = bytes() - 1}) == PruneReport{left, 1, 0, false});
      }
    }

    SECTION("what has a time that is yet to come is older than all") {
      publish_in("2001", 0);
      publish_in("2999", 1);
      SECTION("by size") {
        CHECK(store.prune_to({.max_bytes = bytes() - 1}) == PruneReport{2, 1, 0, false});
        check_left({0}, 2);
      }
      SECTION("by age") {
        CHECK(store.prune_to({.max_age = std::chrono::years(500)}) == PruneReport{2, 1, 0, false});
        check_left({0}, 2);
      }
      SECTION("and no sweep takes it for new") {
        CHECK(store.prune([](const K&) { return false; }, {}) == PruneReport{2, 2, 0, false});
      }
    }

    SECTION("both bounds at once, in batches of any size, and a dry run counts the same and changes nothing") {
      publish_in("2001", 0);
      const auto oldest = bytes();
      publish_in("2018", 1);
      publish_in("2019", 2);
      publish(3);
      const Bounds bounds{.max_age = std::chrono::years(15), .max_bytes = bytes() - oldest - 1};
      PruneOptions options;
      options.batch = GENERATE(std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{1000});
      options.dry_run = true;
      CHECK(store.prune_to(bounds, options) == PruneReport{4, 2, 0, false});
      check_left({0, 1, 2, 3}, 4);
      options.dry_run = false;
      PruneReport last;
      options.progress = [&](const PruneReport& so_far) {
        CHECK(so_far.examined >= last.examined);
        CHECK(so_far.removed - last.removed <= options.batch);
        last = so_far;
      };
      CHECK(store.prune_to(bounds, options) == PruneReport{4, 2, 0, false});
      CHECK(last == PruneReport{4, 2, 0, false});
      check_left({2, 3}, 4);
    }

    SECTION("what another sweep removes is neither removed nor counted") {
      publish_in("2001", 0);
      publish_in("2002", 1);
      publish_in("2003", 2);
      const auto all = bytes();
      PruneOptions options;
      options.dry_run = true;
      const auto oldest = key(0);
      const KeepPredicate<K> stays = [&](const K& one) { return !(one == oldest); };
      CHECK(store.prune_to({.max_bytes = all - 1}, options, stays) == PruneReport{2, 0, 0, false});
      CHECK(store.prune_to({.max_age = ten_days}, options, stays) == PruneReport{2, 2, 0, false});
      check_left({0, 1, 2}, 3);
    }

    SECTION("a bound of zero is refused") {
      publish_in("2001", 0);
      CHECK_THROWS_AS(store.prune_to({.max_bytes = 0}), StoreError);
      CHECK_THROWS_AS(store.prune_to({.max_age = std::chrono::microseconds(0)}), StoreError);
      CHECK_THROWS_AS(store.prune_to({.max_age = -ten_days, .max_bytes = 1}), StoreError);
      check_left({0}, 1);
    }

    SECTION("what is published while the sweep goes on is kept") {
      for (unsigned number = 0; number < 6; ++number) publish(number);
      date("2001-01-01T00:00:00.000000Z");
      const auto bounds = GENERATE(Bounds{.max_age = std::chrono::hours(240)}, Bounds{.max_bytes = 1});
      PruneOptions options;
      options.batch = 2;
      bool published = false;
      options.progress = [&](const PruneReport&) {  // no lock is held here
        if (!std::exchange(published, true)) {
          for (unsigned number = 0; number < 6; ++number) subject.publish(key(number), 42);
        }
      };
      CHECK(store.prune_to(bounds, options).removed <= 2);
      for (unsigned number = 2; number < 6; ++number) subject.check_holds(key(number), 42);
    }

    SECTION("a sweep that is stopped goes on when it is started again") {
      for (unsigned number = 0; number < 6; ++number) publish(number);
      date("2001-01-01T00:00:00.000000Z");
      const auto bounds = GENERATE(Bounds{.max_age = std::chrono::hours(240)}, Bounds{.max_bytes = 1});
      std::stop_source stop;
      PruneOptions options;
      options.batch = 2;
      options.stop = stop.get_token();
      options.progress = [&](const PruneReport&) { stop.request_stop(); };
      const auto first = store.prune_to(bounds, options);
      CHECK(first.stopped);
      CHECK(first.removed < 6);
      CHECK(store.prune_to(bounds).removed == 6 - first.removed);
    }

    SECTION("two sweeps at the same time do what one does") {
      constexpr unsigned count = 12;
      for (unsigned number = 0; number < count; ++number) publish(number);
      date("2001-01-01T00:00:00.000000Z");
      const Bounds half{.max_bytes = bytes() / 2};
      PruneOptions options;
      options.batch = 1;
      options.dry_run = true;
      const auto expected = store.prune_to(half, options).removed;
      options.dry_run = false;
      std::size_t removed = 0, calls = 0;
      const std::size_t when = GENERATE(std::size_t{1}, std::size_t{count + 2}, std::size_t{count + 6});
      options.progress = [&](const PruneReport&) {
        if (++calls == when) removed = store.prune_to(half).removed;
      };
      removed += store.prune_to(half, options).removed;
      CHECK(removed == expected);
      CHECK(bytes() <= *half.max_bytes);
    }
  }
}

}  // namespace render_cache::laws

// What a summary over many repositories costs, and what it notices.
#include "checks/workplace.hpp"

#include "report.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <stdexcept>
#include <stop_token>
#include <thread>

namespace summary_tests {

using namespace repo_checks;
using namespace repo_checks::test;
using render_cache::Miss;

namespace {

struct Change {
  std::string what;
  std::function<void(Checks&, const Workplace&, const Backend&)> make;
  std::string components;
};

std::vector<Change> changes() {
  const auto file = [](auto action) { return [=](Checks&, const Workplace& place, const Backend&) { action(place); }; };
  const auto sql = [](const std::string& statement) {
    return [=](Checks&, const Workplace&, const Backend& backend) { backend.execute(statement); };
  };
  const std::string of_a1 = " WHERE repo_id = (SELECT id FROM managed_repos WHERE slug = 'a1')";
  return {
      {"a file has other words", file([](const Workplace& place) { place.write("a1/CLAUDE.md", "Others.\n"); }), "CLAUDE.md"},
      {"a file has other words of the same length and time", file([](const Workplace& place) {
         const auto time = std::filesystem::last_write_time(place / "a1/tpsc.yaml");
         place.write("a1/tpsc.yaml", "Same WORDS.\n");
         std::filesystem::last_write_time(place / "a1/tpsc.yaml", time);
       }),
       "tpsc.yaml"},
      {"a file is deleted", file([](const Workplace& place) { std::filesystem::remove(place / "a1/SCOPE.md"); }), "SCOPE.md"},
      {"a file is created", file([](const Workplace& place) { place.write("a1/SCOPE.md", "New.\n"); }), "SCOPE.md"},
      {"what a criterion looks for is deleted",
       file([](const Workplace& place) { std::filesystem::remove(place / "a1/README.md"); }), "present"},
      {"what a criterion looks for is created", file([](const Workplace& place) { place.write("a1/README.md", "New.\n"); }),
       "present"},
      {"it is said to have changed", [](Checks& checks, const Workplace&, const Backend&) { checks.registry().touch("a1"); },
       "repo,revision"},
      {"a snapshot is recorded",
       [](Checks& checks, const Workplace&, const Backend&) { checks.registry().record("a1", Event::snapshot); },
       "snapshot,revision"},
      {"a goal is recorded",
       [](Checks& checks, const Workplace&, const Backend&) { checks.registry().record("a1", Event::goal); }, "goal,revision"},
      {"a snapshot comes late, with an early time",
       sql("INSERT INTO repo_events (repo_id, kind, recorded_at) SELECT id, 'snapshot', '2001-01-01T00:00:00.000Z' "
           "FROM managed_repos WHERE slug = 'a1'"),
       "revision"},
      {"an old event becomes another one",
       sql("UPDATE repo_events SET kind = 'goal', recorded_at = '2002-01-01T00:00:00.000Z'" + of_a1 +
           " AND recorded_at < '2010-01-01T00:00:00.000Z'"),
       "revision"},
      {"one old event is replaced by another with the same time",
       sql("DELETE FROM repo_events" + of_a1 +
           " AND recorded_at < '2010-01-01T00:00:00.000Z'; "
           "INSERT INTO repo_events (repo_id, kind, recorded_at) SELECT id, 'goal', '2002-01-01T00:00:00.000Z' "
           "FROM managed_repos WHERE slug = 'a1'"),
       "revision"},
      {"its row is written anew with the same time", sql("UPDATE managed_repos SET updated_at = updated_at WHERE slug = 'a1'"),
       "revision"},
      {"all its events are deleted", sql("DELETE FROM repo_events" + of_a1), "snapshot,goal,revision"},
  };
}

}  // namespace

TEST_CASE("A warm summary of 200 repositories is one statement for the list, one round trip to the store, and no evaluation",
          "[checks]") {
  const Backend backend;
  const Workplace place;
  const auto first = backend.open(quick());
  place.add(*first, 200);
  CHECK(hits(check_all(*first, {.parallel = 4})) == 0);
  CHECK(first->stats().renders == 200);

  const auto second = backend.open(quick());  // knows nothing but what is stored
  for (auto* checks : {first.get(), second.get()}) {
    const auto before = checks->round_trips();
    const auto rendered = checks->stats().renders;
    CHECK(hits(check_all(*checks)) == 200);
    CHECK(checks->round_trips().registry - before.registry == 1);
    CHECK(checks->round_trips().store - before.store == 1);
    CHECK(checks->stats().renders == rendered);
  }
}

TEST_CASE("Whatever changes of one repository, exactly that one is evaluated again, and the miss says why", "[checks]") {
  const Backend backend;
  const Workplace place;
  const auto checks = backend.open(quick());
  place.add(*checks, 5);
  check_all(*checks);
  for (const auto& change : changes()) {
    INFO(change.what);
    CHECK(hits(check_all(*checks)) == 5);
    const auto rendered = checks->stats().renders;
    change.make(*checks, place, backend);
    const auto answers = check_all(*checks);
    CHECK(hits(answers) == 4);
    CHECK(checks->stats().renders == rendered + 1);
    const auto& changed = answers[1].outcome();
    CHECK(changed.miss == Miss::changed);
    CHECK(changed.detail == change.components);
    CHECK(changed.stored);
  }
}

TEST_CASE("Another checkout with the same content is not evaluated again, unless times of files count", "[checks]") {
  const Backend backend;
  const Workplace place;
  const auto checks = backend.open(quick());
  place.add(*checks, 2);
  check_all(*checks);
  std::filesystem::rename(place / "a1", place / "elsewhere");
  place.make("a1");
  place.touch("a0/SCOPE.md");
  CHECK(hits(check_all(*checks)) == 2);

  auto options = quick();
  options.configuration.file_times = true;
  const auto by_time = backend.open(options);
  check_all(*by_time);
  CHECK(hits(check_all(*by_time)) == 2);
  place.touch("a0/SCOPE.md");
  const auto answers = check_all(*by_time);
  CHECK(hits(answers) == 1);
  CHECK(answers[0].outcome().detail == "SCOPE.md");
  std::filesystem::remove_all(place / "a1");
  place.make("a1");
  place.touch("a1/tpsc.yaml");
  CHECK(hits(check_all(*by_time)) == 1);
}

TEST_CASE("Nodes that are asked for the same at the same time evaluate it once", "[checks]") {
  const Backend backend;
  const Workplace place;
  const auto slow = quick({shell("slow", "sleep 0.3")});
  const auto first = backend.open(slow), second = backend.open(slow);
  place.add(*first, 3);
  {
    const std::jthread other([&] { check_all(*second, {.parallel = 1}); });
    check_all(*first, {.parallel = 1});
  }
  CHECK(first->stats().renders + second->stats().renders == 3);
  CHECK(first->stats().leases_missing + second->stats().leases_missing == 0);
}

TEST_CASE("Results tell what is there and what is not", "[checks]") {
  const Backend backend;
  const Workplace place;
  const auto checks = backend.open(quick());
  place.add(*checks, 1);
  const auto tier = [&] { return check_all(*checks)[0].outcome()->tier; };
  CHECK(tier() == "core");  // no snapshot
  checks->registry().record("a0", Event::snapshot);
  CHECK(tier() == "standard");
  checks->registry().record("a0", Event::goal);
  CHECK(tier() == "full");
  std::filesystem::remove(place / "a0/CLAUDE.md");
  const auto answers = check_all(*checks);
  const auto& result = *answers[0].outcome();
  CHECK(result.tier == "core");
  CHECK(result.core_pass);
  CHECK_FALSE(result.standard_pass);
  CHECK(result.full_pass);
  CHECK(failing(result) == "claude");
  place.write("a0/LICENSE", "");  // an empty licence is none
  CHECK(tier() == "none");
}

TEST_CASE("A forced refresh evaluates although nothing has changed", "[checks]") {
  const Backend backend;
  const Workplace place;
  const auto checks = backend.open(quick());
  const auto all = place.add(*checks, 3);
  check_all(*checks);
  const auto forced = checks->check(all[0], true);
  CHECK(forced.miss == Miss::forced);
  CHECK(forced.stored);
  CHECK(checks->stats().renders == 4);
  CHECK(checks->check(all[0]).hit());
  CHECK(hits(check_all(*checks, {.refresh = true})) == 0);
  CHECK(checks->stats().renders == 7);
}

TEST_CASE("A changed definition of the criteria checks everything anew", "[checks]") {
  const Backend backend;
  const Workplace place;
  const auto before = backend.open(quick());
  place.add(*before, 3);
  check_all(*before);
  const auto after = backend.open(quick({{"security", Tier::full, Exists{{"SECURITY.md"}}}}));
  const auto answers = check_all(*after);
  CHECK(hits(answers) == 0);
  CHECK(answers[0].outcome().detail == "renderer");
}

TEST_CASE("An evaluation that is slow lets the older result be shown meanwhile", "[checks]") {
  const Backend backend;
  const Workplace place;
  const auto checks = backend.open(quick({shell("slow", "test ! -e hold || sleep 5")}));
  const auto all = place.add(*checks, 2);
  check_all(*checks);
  place.write("a1/hold", "");
  place.change("a1/SCOPE.md");
  const auto start = std::chrono::steady_clock::now();
  const auto answers = check_all(
      *checks, {.each = {.freshness = render_cache::Freshness::stale_while_rendering(std::chrono::hours(1))}, .parallel = 2});
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(4));
  CHECK(hits(answers) == 1);
  CHECK(answers[1].outcome().origin == render_cache::Origin::stale);
  CHECK(checks->check(all[1]).detail == "SCOPE.md");  // joins the evaluation that goes on
  CHECK(checks->check(all[1]).hit());
}

TEST_CASE("A summary that is told to stop kills what runs, starts no more, and keeps what is done", "[checks][concurrent]") {
  const Backend backend;
  const Workplace place;
  std::stop_source stop;
  auto options = quick({shell("slow", "test ! -e hold || sleep 100", std::chrono::seconds(100))});
  options.stop = stop.get_token();
  const auto checks = backend.open(std::move(options));
  place.add(*checks, 6);
  for (const auto* slow : {"a2/hold", "a3/hold"}) place.write(slow, "");
  const auto start = std::chrono::steady_clock::now();
  const auto answers =
      check_all(*checks, {.parallel = 2, .stop = stop.get_token(), .progress = [&](const render_cache::Progress& progress) {
                            if (progress.done == 2) stop.request_stop();
                          }});
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(20));
  const auto done = static_cast<std::size_t>(std::ranges::count_if(answers, &CheckAnswer::has_value));
  CHECK(done >= 2);
  CHECK(done <= 3);  // one may have been almost done
  for (const auto& answer : answers) {
    if (!answer) CHECK_THROWS_AS(answer.outcome(), render_cache::Cancelled);
  }
  CHECK(backend.value("SELECT count(*) FROM doi_cache") == std::to_string(done));
}

}  // namespace summary_tests

// What goes wrong with one repository, its row or its checks: said clearly, evaluated again, and no other's concern.
#include "checks/workplace.hpp"

#include "finding.hpp"
#include "report.hpp"
#include "support/catch.hpp"

#include <chrono>
#include <mutex>
#include <thread>

namespace trouble_tests {

using namespace repo_checks;
using namespace repo_checks::test;
using namespace std::chrono_literals;
using render_cache::Miss;

namespace {

/// The reason that the last criterion has.
std::string last_reason(const CheckAnswer& answer) { return findings_of(answer.outcome()->criteria.value()).back().reason; }

const std::string of_a1 = " WHERE repo_id = (SELECT id FROM managed_repos WHERE slug = 'a1')";

}  // namespace

TEST_CASE("Removing a repository removes its row by the cascade, and the next look-up copes", "[checks]") {
  const Backend backend;
  const Workplace place;
  const auto checks = backend.open(quick());
  const auto before = place.add(*checks, 3);
  checks->registry().record("a1", Event::goal);
  check_all(*checks);
  CHECK(backend.value("SELECT count(*) FROM doi_cache") == "3");
  checks->registry().remove("a1");
  CHECK(backend.value("SELECT count(*) FROM doi_cache") == "2");
  CHECK(backend.value("SELECT count(*) FROM repo_events") == "0");
  CHECK_THROWS_AS(checks->registry().find("a1"), UnknownSlug);
  CHECK_THROWS_AS(checks->registry().remove("a1"), UnknownSlug);
  CHECK(hits(check_all(*checks)) == 2);

  // Whoever holds the old list still gets an answer: it cannot be stored, for its row would belong to nobody.
  std::vector<std::string> errors;
  auto options = quick();
  options.on_store_error = [&](const std::exception& error) { errors.push_back(error.what()); };
  const auto others = backend.open(std::move(options));
  const auto outcome = others->check(before[1]);
  CHECK(outcome->tier == "core");
  CHECK_FALSE(outcome.stored);
  CHECK(others->stats().store_refused == 1);
  CHECK(errors.size() == 1);
  CHECK(backend.value("SELECT count(*) FROM doi_cache") == "2");
  const auto answers = others->check_all(before, {});
  CHECK(hits(answers) == 2);
  CHECK_FALSE(answers[1].outcome().stored);

  checks->registry().add("a1", (place / "a1").string());  // under another identifier
  CHECK(checks->check(checks->registry().find("a1")).miss == Miss::absent);
}

TEST_CASE("A result is returned and not stored when the repository has moved meanwhile", "[checks]") {
  const Backend backend;
  const Workplace place;
  const auto checks = backend.open(quick({shell("works", "echo more >> SCOPE.md; test $(wc -l < SCOPE.md) -gt 2")}));
  const auto all = place.add(*checks, 1);
  const auto first = checks->check(all[0]);
  CHECK_FALSE(first->full_pass);
  CHECK_FALSE(first.stored);
  CHECK_THAT(first.detail, ContainsSubstring("SCOPE.md"));
  CHECK(checks->stats().moved == 1);
  CHECK(backend.value("SELECT count(*) FROM doi_cache") == "0");
  checks->registry().record("a0", Event::goal);
  CHECK(checks->check(all[0])->full_pass);
}

TEST_CASE("A repository that is removed while it is checked leaves nothing behind", "[checks][concurrent]") {
  const Backend backend;
  const Workplace place;
  const auto checks = backend.open(quick({shell("slow", "touch started; while test ! -e go; do sleep 0.02; done")}));
  const auto all = place.add(*checks, 1);
  std::jthread remover([&] {
    while (!std::filesystem::exists(place / "a0/started")) std::this_thread::sleep_for(5ms);
    checks->registry().remove("a0");
    place.write("a0/go", "");
  });
  const auto outcome = checks->check(all[0]);
  CHECK(outcome->core_pass);
  CHECK_FALSE(outcome.stored);
  CHECK_THAT(outcome.detail, ContainsSubstring("repo"));
  CHECK(backend.value("SELECT count(*) FROM doi_cache") == "0");
}

TEST_CASE("What only a file's time can tell is not trusted while that is too new", "[checks]") {
  const Backend backend;
  const Workplace place;
  const auto checks = backend.open(quick());
  const auto all = place.add(*checks, 1);
  std::filesystem::remove(place / "a0/SCOPE.md");
  std::filesystem::create_directory(place / "a0/SCOPE.md");  // has no content to hash
  const auto fresh = checks->check(all[0]);
  CHECK(fresh.miss == Miss::unsettled);
  CHECK_FALSE(fresh.stored);
  std::this_thread::sleep_for(2100ms);
  CHECK(checks->check(all[0]).stored);
  CHECK(checks->check(all[0]).hit());
}

TEST_CASE("A path that has vanished is a result like any other, and one that is back is checked anew", "[checks]") {
  const Backend backend;
  const Workplace place;
  const auto checks = backend.open(quick({shell("command", "true")}));
  place.add(*checks, 3);
  check_all(*checks);
  std::filesystem::rename(place / "a1", place / "elsewhere");
  const auto answers = check_all(*checks);
  CHECK(hits(answers) == 2);
  CHECK(answers[1].outcome()->tier == "none");
  for (const auto& finding : findings_of(answers[1].outcome()->criteria.value())) {
    CHECK_FALSE(finding.passed);
    CHECK_THAT(finding.reason, ContainsSubstring((place / "a1").string()) && ContainsSubstring("No such file or directory"));
  }
  CHECK(hits(check_all(*checks)) == 3);
  std::filesystem::rename(place / "elsewhere", place / "a1");
  CHECK(check_all(*checks)[1].outcome()->tier == "core");
}

TEST_CASE("A command that hangs, floods, dies or is not there fails its criterion alone, with the reason", "[checks]") {
  const Backend backend;
  const Workplace place;
  struct Case {
    Criterion criterion;
    std::string reason;
  };
  const Criterion missing{"missing", Tier::full, Succeeds{{"no-such-program", "--help"}}};
  for (const auto& [criterion, reason] : std::vector<Case>{
           {shell("hangs", "sleep 100", 200ms), "not done after 200 ms, and killed"},
           {shell("floods", "yes megabytes"), "printed more than 65536 bytes, and was stopped there: megabytes"},
           {shell("dies", "kill -KILL $$"), "killed by signal 9 (Killed)"},
           {shell("fails", "echo 'two lines'; echo of output; exit 3"), "exit code 3: two lines"},
           {shell("colours", "printf '\\033[31mred\\033[0m \\377 \\000 end'; exit 1"), "exit code 1:  [31mred [0m ? ? end"},
           {missing, "'no-such-program' cannot be started: No such file or directory"},
       }) {
    INFO(criterion.name);
    const Backend own;
    const auto checks = own.open(quick({criterion}));
    const Workplace workplace;
    workplace.add(*checks, 2);
    const auto answers = check_all(*checks);
    CHECK(last_reason(answers[0]) == reason);
    CHECK(answers[0].outcome()->tier == "core");
    CHECK(answers[0].outcome()->core_pass);
    CHECK(hits(check_all(*checks)) == 2);  // a failing result is a result
  }
}

TEST_CASE("A corrupt row is told of, evaluated again and repaired, and no other row is affected", "[checks]") {
  const Backend backend;
  const Workplace place;
  const auto checks = backend.open(quick());
  place.add(*checks, 3);
  check_all(*checks);
  for (const auto* column : {"tier", "core_pass", "fingerprint", "checked_at"}) backend.drop_not_null("doi_cache", column);

  const auto set = [](const std::string& assignment) { return "UPDATE doi_cache SET " + assignment + of_a1; };
  struct Case {
    std::string damage, message;
    Miss miss = Miss::damaged;
  };
  for (const auto& [damage, message, miss] : std::vector<Case>{
           {set("criteria = '{}'"), "an object where there should be none"},
           {set("criteria = '[1]'"), "a number where a criterion should be"},
           {set("criteria = '[{\"name\": \"readme\"}]'"), "a criterion without name, tier, passed or reason"},
           {set("criteria = NULL"), "'criteria' is NULL"},
           {set("tier = 'superb'"), "'tier' is 'superb' where the three booleans say 'core'"},
           {set("tier = 'full'"), "'tier' is 'full' where the three booleans say 'core'"},
           {set("tier = NULL"), "tier", Miss::unreadable},
           {set("core_pass = NULL"), "core_pass", Miss::unreadable},
           {set("fingerprint = NULL"), "fingerprint", Miss::unreadable},
           {set("checked_at = NULL"), "checked_at", Miss::unreadable},
       }) {
    INFO(damage);
    const auto other = backend.open(quick());  // no connection with an older idea of the table
    CHECK(hits(check_all(*other)) == 3);
    backend.execute(damage);
    const auto answers = check_all(*other);
    CHECK(hits(answers) == 2);
    const auto& repaired = answers[1].outcome();
    CHECK(repaired.miss == miss);
    CHECK_THAT(repaired.detail, ContainsSubstring(message));
    CHECK(repaired->tier == "core");
    CHECK(repaired.stored);
  }
  backend.execute("UPDATE doi_cache SET fingerprint = 'nonsense'" + of_a1);
  CHECK(check_all(*checks)[1].outcome().miss == Miss::changed);
  CHECK(hits(check_all(*checks)) == 3);
}

TEST_CASE("An older result that is corrupt is not shown either", "[checks]") {
  const Backend backend;
  const Workplace place;
  const auto checks = backend.open(quick());
  place.add(*checks, 2);
  check_all(*checks);
  backend.execute("UPDATE doi_cache SET criteria = '[null]'" + of_a1);
  place.change("a1/SCOPE.md");
  const auto answers = check_all(*checks, {.each = {.freshness = render_cache::Freshness::stale_while_rendering(1h)}});
  CHECK(answers[1].outcome().origin == render_cache::Origin::render);
}

TEST_CASE("The table of results may go away: everything is evaluated, and stored again when it is back", "[checks]") {
  const Backend backend;
  const Workplace place;
  const auto checks = backend.open(quick());
  place.add(*checks, 2);
  check_all(*checks);
  backend.execute("ALTER TABLE doi_cache RENAME TO elsewhere");
  const auto answers = check_all(*checks);
  CHECK(hits(answers) == 0);
  CHECK(answers[0].outcome().miss == Miss::store_failed);
  CHECK_THAT(answers[0].outcome().detail, ContainsSubstring("doi_cache"));
  CHECK(answers[0].outcome()->tier == "core");
  backend.execute("ALTER TABLE elsewhere RENAME TO doi_cache");
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (hits(check_all(*checks)) < 2 && std::chrono::steady_clock::now() < deadline) std::this_thread::sleep_for(100ms);
  CHECK(hits(check_all(*checks)) == 2);
}

TEST_CASE("A slug is refused when it is unknown, taken, or no slug", "[checks]") {
  const Backend backend;
  const Workplace place;
  const auto checks = backend.open(quick());
  auto& registry = checks->registry();
  registry.add("a", place.make("a").string());
  CHECK_THROWS_WITH(registry.add("a", "/b"),
                    ContainsSubstring("there is a repository 'a' already, at '" + (place / "a").string()));
  CHECK_THROWS_WITH(registry.find("b"), ContainsSubstring("there is no repository 'b'"));
  CHECK_THROWS_AS(registry.touch("b"), UnknownSlug);
  CHECK_THROWS_AS(registry.record("b", Event::goal), UnknownSlug);
  CHECK_THROWS_AS(registry.find("' OR '1'='1"), UnknownSlug);
  for (const std::string& bad : {std::string(), std::string("-a"), std::string("a b"), std::string("a/b"), std::string("a'b"),
                                 std::string("\xc3\xa4"), std::string(101, 'a'), std::string("a\0b", 3)}) {
    CHECK_THROWS_WITH(registry.add(bad, "/"), ContainsSubstring("is no slug"));
  }
  registry.add("Z-9_.z", "/");
  CHECK(registry.list().size() == 2);
}

}  // namespace trouble_tests

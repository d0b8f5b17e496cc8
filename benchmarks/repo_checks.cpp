// The repository checks, with a check that really takes time (`sleep 0.05`): 200 repositories on SQLite and PostgreSQL. The
// counter `cheaper_than_cold` is the time of the cold summary over the row's own.
#include "checks.hpp"

#include <benchmark/benchmark.h>
#include <pqxx/pqxx>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
using namespace repo_checks;

constexpr std::size_t repositories = 200;

/// 200 directories with what a small project has, beside each other in a temporary one.
class Workplace {
 public:
  Workplace() {
    auto pattern = (fs::temp_directory_path() / "repo_checks_XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary directory");
    path_ = pattern;
    for (std::size_t i = 0; i < repositories; ++i) {
      const auto repository = path_ / name(i);
      for (const auto* folder : {".git", ".github/workflows", "src", "tests"}) fs::create_directories(repository / folder);
      for (const auto* file : {"README.md", "LICENSE", "SCOPE.md", "CLAUDE.md", "tpsc.yaml"}) write(i, file, "Some words.\n");
    }
  }
  ~Workplace() { fs::remove_all(path_); }

  static std::string name(std::size_t i) { return "repository-" + std::to_string(1000 + i); }
  void write(std::size_t i, const std::string& file, const std::string& text) const {
    std::ofstream(path_ / name(i) / file) << text;
  }
  [[nodiscard]] const fs::path& path() const noexcept { return path_; }

 private:
  fs::path path_;
};

/// All criteria that cost nothing, and one that takes 50 ms.
ChecksOptions slow_check() {
  ChecksOptions options;
  auto& criteria = options.configuration.criteria;
  std::erase_if(criteria, [](const Criterion& criterion) { return std::holds_alternative<Succeeds>(criterion.rule); });
  criteria.push_back({"slow", Tier::full, Succeeds{{"sleep", "0.05"}}});
  return options;
}

class System {
 public:
  explicit System(bool postgres) {
    if (postgres) {
      const char* server = std::getenv("RENDER_CACHE_BENCH_POSTGRES");
      if (server == nullptr) throw std::runtime_error("RENDER_CACHE_BENCH_POSTGRES is not set");
      server_ = server;
      schema_ = "repo_checks_" + std::to_string(::getpid());
      execute("CREATE SCHEMA " + schema_);
      checks_ = open_postgres_checks(server_ + " options='-c search_path=" + schema_ + "'", slow_check());
    } else {
      checks_ = open_sqlite_checks(place_.path() / "checks.db", slow_check());
    }
    for (std::size_t i = 0; i < repositories; ++i) {
      checks_->registry().add(Workplace::name(i), (place_.path() / Workplace::name(i)).string());
    }
  }
  ~System() {
    checks_.reset();
    if (!schema_.empty()) execute("SET client_min_messages = warning; DROP SCHEMA " + schema_ + " CASCADE");
  }

  std::size_t summary(std::size_t parallel, bool refresh = false) {
    render_cache::ManyOptions options;
    options.parallel = parallel;
    options.refresh = refresh;
    const auto list = checks_->registry().list();
    std::size_t hits = 0;
    for (const auto& answer : checks_->check_all(list, options)) hits += answer.outcome().hit() ? 1 : 0;
    return hits;
  }
  Checks& checks() { return *checks_; }
  /// What a warm summary cannot do without: each repository opened, and a look at eight names in it.
  void look_at_all() {
    for (std::size_t i = 0; i < repositories; ++i) {
      const int folder = ::open((place_.path() / Workplace::name(i)).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
      for (const auto* file :
           {".git", "README.md", "LICENSE", "SCOPE.md", "CLAUDE.md", "tpsc.yaml", ".github/workflows", "tests"}) {
        struct ::stat state;
        if (::fstatat(folder, file, &state, 0) != 0) throw std::runtime_error(std::string(file) + " has gone");
      }
      ::close(folder);
    }
  }
  void change_one() { place_.write(7, "SCOPE.md", "Changed " + std::to_string(++changes_) + " times.\n"); }

  double cold_seconds = 0;  ///< of the summary, one evaluation at a time

 private:
  void execute(const std::string& sql) const {
    pqxx::connection connection(server_);
    pqxx::nontransaction(connection).exec(sql);
  }

  Workplace place_;
  std::string server_, schema_;
  std::unique_ptr<Checks> checks_;
  std::size_t changes_ = 0;
};

/// Made once for each database; evaluated once, so that what follows is warm.
System& system_on(bool postgres) {
  static std::unique_ptr<System> systems[2];
  auto& system = systems[postgres ? 1 : 0];
  if (!system) {
    system = std::make_unique<System>(postgres);
    const auto start = std::chrono::steady_clock::now();
    system->summary(1);
    system->cold_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    ::sleep(2);  // until the files' times can be trusted, as they can on all but the first two seconds of their lives
    system->summary(1);
  }
  return *system;
}

template <class Action>
void measure(benchmark::State& state, bool postgres, Action action) try {
  auto& system = system_on(postgres);
  const auto start = std::chrono::steady_clock::now();
  std::size_t rounds = 0;
  for (auto _ : state) {
    action(state, system);
    ++rounds;
  }
  const auto each = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / static_cast<double>(rounds);
  state.counters["cheaper_than_cold"] = system.cold_seconds / each;
} catch (const std::exception& error) {
  state.SkipWithError(error.what());
}

void expect_hits(benchmark::State& state, std::size_t hits, std::size_t expected) {
  if (hits != expected) state.SkipWithError(("hits: " + std::to_string(hits)).c_str());
}

const int registered = [] {
  for (const bool postgres : {false, true}) {
    const std::string database = postgres ? "/postgres" : "/sqlite";
    const auto add = [&](const std::string& name, auto action) {
      return benchmark::RegisterBenchmark(("repo_checks/" + name + database).c_str(),
                                          [=](benchmark::State& state) { measure(state, postgres, action); })
          ->UseRealTime();
    };
    const auto cold = [&](std::size_t parallel) {
      add("cold_summary/parallel:" + std::to_string(parallel),
          [=](benchmark::State& state, System& system) { expect_hits(state, system.summary(parallel, true), 0); })
          ->Iterations(1)
          ->Repetitions(2)
          ->Unit(benchmark::kMillisecond);
    };
    cold(1);
    cold(8);
    add("warm_summary", [](benchmark::State& state, System& system) {
      expect_hits(state, system.summary(1), repositories);
    })->Unit(benchmark::kMillisecond);
    add("warm_summary/limit", [](benchmark::State&, System& system) { system.look_at_all(); })->Unit(benchmark::kMillisecond);
    add("summary_with_one_stale", [](benchmark::State& state, System& system) {
      system.change_one();
      expect_hits(state, system.summary(1), repositories - 1);
    })->Unit(benchmark::kMillisecond);
    add("single_hit", [](benchmark::State& state, System& system) {
      expect_hits(state, system.checks().check(system.checks().registry().find(Workplace::name(3))).hit() ? 1 : 0, 1);
    })->Unit(benchmark::kMicrosecond);
    add("single_forced", [](benchmark::State& state, System& system) {
      expect_hits(state, system.checks().check(system.checks().registry().find(Workplace::name(3)), true).hit() ? 1 : 0, 0);
    })->Unit(benchmark::kMillisecond);
  }
  return 0;
}();

}  // namespace

// Usage: recorded_steps RUNS SEED
//
// Prints what the nodes of RUNS small clusters did, step by step, as recorded.h of lease.pml; after each run also
// one like it in which one step came out otherwise, so that it is none. Three caches on one SQLite file read one key once each, while
// its source is edited and leases end before their time. Each statement, each look at the source and each answer is a turn; whose
// turn it is chance decides, so what is written down is the order in which it happened.
#include <render_cache/cache.hpp>
#include <render_cache/laws/wrapped_store.hpp>

#include "support/sqlite_wiki.hpp"

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <iostream>
#include <mutex>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace render_cache;
using namespace std::chrono_literals;
using test::WikiStore;

namespace {

constexpr int edits = 2, states = 2;
constexpr std::size_t nodes = 3, editor = nodes, clock_ = nodes + 1, actors = nodes + 2;
const WikiKey key{"docs", "a.md"};

// In lease.pml these have the same names.
enum Kind { END, SAMPLE, LOOK_UP, ACQUIRE, FREEZE, REPLACE, RELEASE, ANSWER, EDIT, LEASE_ENDS };

struct Step {
  Kind kind;
  std::size_t who;
  int outcome;
};

/// Lets one actor at a time go on, and writes down what it does.
class Schedule {
 public:
  explicit Schedule(unsigned seed) : random_(seed) {}

  /// `act()` in the actor's turn; it returns the step's outcome, or nothing if there was none.
  template <class Act>
  void step(std::size_t actor, Kind kind, Act&& act) {
    std::unique_lock lock(mutex_);
    waits_.at(actor) = true;
    choose();
    changed_.wait(lock, [&] { return turn_ == actor; });
    waits_.at(actor) = false;
    if (const std::optional<int> outcome = act()) steps_.push_back({kind, actor, *outcome});
  }
  void leave(std::size_t actor) {
    const std::lock_guard lock(mutex_);
    left_.at(actor) = true;
    choose();
  }

  int moment = 0;  ///< of the source; read and changed in turns
  /// What happened; the nodes are called as they came.
  [[nodiscard]] std::vector<Step> steps() const {
    std::array<std::optional<std::size_t>, actors> names{};
    std::size_t named = 0;
    auto steps = steps_;
    for (auto& step : steps) {
      auto& name = names.at(step.who);
      if (!name) name = step.who < nodes ? named++ : 0;
      step.who = *name;
    }
    return steps;
  }

 private:
  /// Once all wait for their turn, whose it is.
  void choose() {
    std::vector<std::size_t> waiting;
    for (std::size_t actor = 0; actor < actors; ++actor) {
      if (left_.at(actor)) continue;
      if (!waits_.at(actor)) return;
      waiting.push_back(actor);
    }
    if (waiting.empty()) return;
    turn_ = waiting.at(random_() % waiting.size());
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::minstd_rand random_;
  std::array<bool, actors> waits_{}, left_{};
  std::size_t turn_ = actors;  // nobody's
  std::vector<Step> steps_;
};

Fingerprint components(int state) { return Fingerprint().add("state", state); }
/// The state of which it was rendered.
int state_of(const Fingerprint& fingerprint) {
  for (int state = 0; state < states; ++state) {
    if (fingerprint == components(state).add("renderer", "1")) return state;
  }
  throw std::logic_error("a fingerprint of no state");
}

struct Source {
  Schedule* schedule;
  std::size_t node;
};
struct States {
  static Fingerprint components(const Source& source) { return ::components(sample(source, SAMPLE)); }
  static Frozen<int> freeze(const Source& source) {
    const int state = sample(source, FREEZE);
    return {::components(state), state};
  }
  static int sample(const Source& source, Kind kind) {
    int state = 0;
    source.schedule->step(source.node, kind, [&] { return state = source.schedule->moment % states; });
    return state;
  }
};
struct Renderer {
  static std::string version() { return "1"; }
  static WikiPage render(const WikiKey&, int state) { return {std::to_string(state), {"{}"}}; }
};

/// Each statement is a turn of the node.
class ScheduledStore : public laws::WrappedStore<WikiStore> {
 public:
  ScheduledStore(WikiStore& store, Schedule& schedule, std::size_t node)
      : WrappedStore(store), schedule_(schedule), node_(node) {}

  Lookup<WikiPage> lookup(const WikiKey& page, const Fingerprint& fingerprint) {
    Lookup<WikiPage> found;
    schedule_.step(node_, LOOK_UP, [&] {
      found = inner().lookup(page, fingerprint);
      return found.entry ? 1 + state_of(fingerprint) : found.stored ? 1 + state_of(*found.stored) : 0;
    });
    return found;
  }
  bool replace(const WikiKey& page, EntryPtr<WikiPage> entry, const Seen& seen) {
    bool stored = false;
    schedule_.step(node_, REPLACE, [&] { return stored = inner().replace(page, std::move(entry), seen); });
    return stored;
  }
  LeaseAnswer acquire_lease(const WikiKey& page, const Fingerprint& fingerprint, const std::string& owner,
                            std::chrono::milliseconds time) {
    auto answer = LeaseAnswer::none;
    schedule_.step(node_, ACQUIRE, [&] {
      answer = inner().acquire_lease(page, fingerprint, owner, time);
      return answer == LeaseAnswer::granted;
    });
    return answer;
  }
  void release_lease(const WikiKey& page, const Fingerprint& fingerprint, const std::string& owner) {
    schedule_.step(node_, RELEASE, [&] {
      inner().release_lease(page, fingerprint, owner);
      return state_of(fingerprint);
    });
  }

 private:
  Schedule& schedule_;
  const std::size_t node_;
};

/// In some runs nobody waits for another's lease.
std::vector<Step> run(unsigned seed, bool patient) {
  const test::SqliteWiki wiki;
  Schedule schedule(seed);
  const CacheOptions options{
      .single_flight = SingleFlight::cluster, .lease_time = 1h, .max_wait = patient ? std::chrono::milliseconds(10min) : 0ms};
  {
    std::vector<std::jthread> threads;
    for (std::size_t node = 0; node < nodes; ++node) {
      threads.emplace_back([&, node] {
        WikiStore file(wiki.options());
        ScheduledStore store(file, schedule, node);
        RenderCache cache(Renderer{}, States{}, store, options);
        const auto page = cache.get(key, Source{&schedule, node});
        schedule.step(node, ANSWER, [&] { return page->rendered_html[0] - '0'; });
        schedule.leave(node);
      });
    }
    threads.emplace_back([&] {
      for (int edit = 0; edit < edits; ++edit) schedule.step(editor, EDIT, [&] { return ++schedule.moment; });
      schedule.leave(editor);
    });
    threads.emplace_back([&] {
      auto outside = wiki.outside();
      for (int turn = 0; turn < 12; ++turn) {
        const int state = turn % states;
        const auto name = detail::lease_name(WikiSchema::table, key, components(state).add("renderer", "1"));
        schedule.step(clock_, LEASE_ENDS, [&]() -> std::optional<int> {
          const auto ended = outside.query("UPDATE render_cache_lease SET deadline = 0 WHERE deadline > 0 AND name = '" + name +
                                           "' RETURNING name");
          if (ended.empty()) return std::nullopt;
          return state;
        });
      }
      schedule.leave(clock_);
    });
  }
  return schedule.steps();
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 3) throw std::runtime_error("usage: recorded_steps RUNS SEED");
  const int runs = std::stoi(argv[1]);
  const auto seed = static_cast<unsigned>(std::stoul(argv[2]));
  std::minstd_rand random(seed);
  std::vector<std::size_t> begins;
  std::size_t at = 0;
  const auto print = [&](const std::vector<Step>& steps) {
    begins.push_back(at);
    for (const auto& [kind, who, outcome] : steps) std::cout << 100 * kind + 10 * static_cast<int>(who) + outcome << ',';
    std::cout << END << ",\n";
    at += steps.size() + 1;
  };
  std::cout << "#define NODES " << nodes << "\n#define EDITS " << edits << "\n#define STATES " << states << "\n#define RUNS "
            << 2 * runs << "\n#ifdef STEPS\nstatic const short recorded[] = {\n";
  for (int each = 0; each < runs; ++each) {
    auto steps = run(seed + static_cast<unsigned>(each), each % 4 != 0);
    print(steps);
    std::size_t changed = 0;
    do {
      changed = random() % steps.size();
    } while (steps[changed].kind > ANSWER);  // what the nodes do follows from all the rest
    auto& outcome = steps[changed].outcome;
    outcome = outcome == 0 ? 1 : 0;
    print(steps);
  }
  std::cout << "};\nstatic const int begins[] = {";
  for (const auto begin : begins) std::cout << begin << ',';
  std::cout << "};\n#endif\n";
} catch (const std::exception& error) {
  std::cerr << "recorded_steps: " << error.what() << '\n';
  return 1;
}

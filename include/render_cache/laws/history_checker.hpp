// How a history is checked: by key, each event against what surrounds it in time.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/laws/history.hpp>
#include <render_cache/laws/history_verdict.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace render_cache::laws {

/// Events by their calls, and which of them overlap a span of time.
class Timeline {
 public:
  void add(const Event& event) { events_.push_back(&event); }
  void sort() {
    std::stable_sort(events_.begin(), events_.end(), [](const Event* a, const Event* b) { return a->call < b->call; });
    std::int64_t last = std::numeric_limits<std::int64_t>::min();
    for (const auto* event : events_) last_ends_.push_back(last = std::max(last, event->end));
  }
  [[nodiscard]] const std::vector<const Event*>& events() const noexcept { return events_; }

  /// From the last one back: the first event that was not over before `from`, nor began after `to`, and of which `is` holds; or null.
  template <class Is>
  const Event* last(std::int64_t from, std::int64_t to, Is&& is) const {
    auto at =
        std::upper_bound(events_.begin(), events_.end(), to, [](std::int64_t time, const Event* e) { return time < e->call; }) -
        events_.begin();
    while (at-- > 0) {
      const auto i = static_cast<std::size_t>(at);
      if (last_ends_[i] < from) return nullptr;
      if (events_[i]->end >= from && is(*events_[i])) return events_[i];
    }
    return nullptr;
  }

 private:
  std::vector<const Event*> events_;
  std::vector<std::int64_t> last_ends_;  // of all up to each
};

/// The check of one history; `check` is how it is called.
class HistoryChecker {
 public:
  HistoryChecker(History& history, const Promises& promises)
      : history_(history), promises_(promises), every_key_(history.nothing()) {}

  Verdict check() {
    for (const auto& event : history_.events()) sort_in(event);
    for (auto& [key, of_key] : keys_) prepare(of_key);
    every_.sort();
    for (const auto& event : history_.events()) check_event(event);
    for (const auto* event : best_) {
      verdict_.lines.push_back({*event, history_.text(event->key), history_.text(event->state), history_.text(event->says)});
    }
    return std::move(verdict_);
  }

 private:
  using Kind = Event::Kind;
  using Shown = std::vector<const Event*>;
  static constexpr auto ever = std::numeric_limits<std::int64_t>::max();
  static constexpr auto never = std::numeric_limits<std::int64_t>::min();

  /// When the source may have had a state.
  struct Window {
    const Event* edit;
    const Event* ended_by;  // null: it has it still
    [[nodiscard]] std::int64_t begin() const { return edit->call; }
    [[nodiscard]] std::int64_t end() const { return ended_by == nullptr ? ever : ended_by->end; }
  };
  struct State {
    std::vector<Window> windows{};
    Timeline renders{}, publishes{};
  };
  struct OfKey {
    Timeline edits{}, erases{}, missed{}, forced{};
    Timeline changes{};  // of what is stored, publishes included
    std::unordered_map<std::uint32_t, State> states{};
  };

  void sort_in(const Event& event) {
    if (event.kind == Kind::hit || event.kind == Kind::shared) return;
    if (event.kind == Kind::change && event.key == every_key_) return every_.add(event);
    auto& of = keys_[event.key];
    switch (event.kind) {
      case Kind::edit: of.edits.add(event); break;
      case Kind::missed: of.missed.add(event); break;
      case Kind::forced: of.forced.add(event); break;
      case Kind::lease: break;
      case Kind::render: of.states[event.state].renders.add(event); break;
      case Kind::publish:
        of.states[event.state].publishes.add(event);
        of.changes.add(event);
        break;
      case Kind::erase: of.erases.add(event); [[fallthrough]];
      default: of.changes.add(event);
    }
  }

  static void prepare(OfKey& of) {
    for (auto* each : {&of.edits, &of.erases, &of.missed, &of.forced, &of.changes}) each->sort();
    for (auto& [name, state] : of.states) state.renders.sort(), state.publishes.sort();
    // An edit's state ends with the first edit, by its end, that began after it was over.
    const auto& edits = of.edits.events();
    std::vector<const Event*> first(edits.size() + 1, nullptr);  // by its end, of this one and those after it
    for (std::size_t i = edits.size(); i-- > 0;) {
      first[i] = first[i + 1] == nullptr || edits[i]->end <= first[i + 1]->end ? edits[i] : first[i + 1];
    }
    for (std::size_t i = 0; i < edits.size(); ++i) {
      std::size_t after = i + 1;
      while (after < edits.size() && edits[after]->call < edits[i]->end) ++after;
      of.states[edits[i]->state].windows.push_back({edits[i], first[after]});
    }
  }

  void check_event(const Event& event) {
    switch (event.kind) {
      case Kind::hit: ++verdict_.hits; [[fallthrough]];
      case Kind::missed:
      case Kind::shared:
      case Kind::forced: ++verdict_.reads; return check_read(event);
      case Kind::render: ++verdict_.renders; return;
      case Kind::publish: ++verdict_.publishes; return check_publish(event);
      case Kind::lease: return check_lease(event);
      default: return;
    }
  }

  void check_read(const Event& read) {
    auto& of = keys_[read.key];
    const auto found = of.states.find(read.state);
    if (found == of.states.end() || !had(found->second, read)) {
      Shown shown{&read};
      if (found != of.states.end() && !found->second.windows.empty()) {
        const auto& window = found->second.windows.back();
        shown.push_back(window.edit);
        if (window.ended_by != nullptr && window.end() < read.call) shown.push_back(window.ended_by);
      } else if (const auto* before = of.edits.last(never, read.call, [](const Event&) { return true; })) {
        shown.push_back(before);
      }
      report("a read returned what its source was not between its call and its return", std::move(shown));
    }
    if (read.says != read.state) report("a value is not what its fingerprint says", {&read});
    if (read.kind == Kind::missed && promises_.keeps) check_needless(of, read);
    if (read.kind == Kind::hit && promises_.erases) check_erased(of, read);
  }
  static bool had(const State& state, const Event& read) {
    return std::any_of(state.windows.begin(), state.windows.end(),
                       [&](const Window& window) { return window.begin() <= read.end && window.end() >= read.call; });
  }

  /// What was stored when a read began need not be rendered; nor, in its own process, what was stored by the time that it renders, unless an
  /// erase came between.
  void check_needless(OfKey& of, const Event& read) {
    auto& state = of.states[read.state];
    const auto is_own = [&](const Event& render) { return within(render, read); };
    const auto* render = state.renders.last(read.call, read.end, is_own);
    if (render == nullptr) render = &read;
    const auto is_before = [&](const Event& publish) {
      return publish.end <= (publish.process == read.process ? render : &read)->call;
    };
    const auto* stored = state.publishes.last(never, render->call, is_before);
    if (stored == nullptr) return;
    const auto changes = [&](const Event& each) { return each.kind != Kind::publish || each.state != read.state; };
    const auto since = std::min(stored->call, read.call);
    if (of.changes.last(since, render->end, changes) || every_.last(since, render->end, changes)) return;
    report("what the store held was rendered", {stored, &read});
  }
  static bool within(const Event& render, const Event& read) {
    return render.process == read.process && render.thread == read.thread && render.call >= read.call && render.end <= read.end;
  }

  /// What a process hits after its erase was stored since: by its own render that began since, or by another process.
  void check_erased(OfKey& of, const Event& hit) {
    const auto is_own = [&](const Event& each) { return each.process == hit.process && each.end <= hit.call; };
    const auto* erase = of.erases.last(never, hit.call, is_own);
    if (erase == nullptr) return;
    auto& state = of.states[hit.state];
    const auto is_since = [&](const Event& render) { return render.process == hit.process && render.call >= erase->call; };
    const auto is_other = [&](const Event& publish) { return publish.process != hit.process; };
    if (state.renders.last(erase->call, hit.end, is_since) || state.publishes.last(erase->call, hit.end, is_other)) return;
    Shown shown{erase, &hit};
    if (const auto* before = state.renders.last(never, hit.end, [](const Event&) { return true; })) shown.push_back(before);
    report("what was erased was hit before it was rendered again", std::move(shown));
  }

  /// Compares with those before it that were there for sure. Publishes may overlap, so not with the last alone.
  void check_publish(const Event& publish) {
    if (!promises_.order) return;
    auto& of = keys_[publish.key];
    const auto& mine = of.states[publish.state].windows;
    if (mine.empty()) return;
    int compared = 0;
    const Event* newer = nullptr;
    of.changes.last(never, publish.call, [&](const Event& each) {
      if (each.kind != Kind::publish || ++compared > 64) return true;
      if (each.end <= publish.call && earlier(mine, of.states[each.state].windows)) newer = &each;
      return newer != nullptr;
    });
    if (newer == nullptr) return;
    const auto changes = [](const Event& each) { return each.kind != Kind::publish; };
    if (of.changes.last(newer->call, publish.end, changes) || every_.last(newer->call, publish.end, changes)) return;
    report("what was stored was replaced by what was rendered of an earlier state",
           {mine.back().edit, of.states[newer->state].windows.front().edit, newer, &publish});
  }
  /// Whether all edits of the one lie before all of the other.
  static bool earlier(const std::vector<Window>& a, const std::vector<Window>& b) {
    return !a.empty() && !b.empty() && std::all_of(a.begin(), a.end(), [&](const Window& window) {
      return window.edit != b.front().edit && window.edit->end <= b.front().edit->call;
    });
  }

  static bool is_forced(const OfKey& of, const Event& render) {
    return of.forced.last(render.call, render.end, [&](const Event& read) { return within(render, read); });
  }
  /// In the holder's own process a render that was asked for before an erase goes on beside one that was asked for after it.
  void check_lease(const Event& lease) {
    if (!promises_.once) return;
    auto& of = keys_[lease.key];
    const Event* first = nullptr;
    const Event* second = nullptr;
    std::int64_t since = lease.call;
    of.states[lease.state].renders.last(lease.call, lease.end, [&](const Event& render) {
      if (render.call < lease.call || is_forced(of, render)) return false;
      second = std::exchange(first, &render);
      const auto* read = of.missed.last(render.call, render.end, [&](const Event& each) { return within(render, each); });
      if (read != nullptr) since = std::min(since, read->call);
      return false;
    });
    if (second == nullptr && (first == nullptr || first->process == lease.process)) return;
    if (of.erases.last(since, lease.end, [](const Event&) { return true; })) return;
    Shown shown{&lease, first};
    if (second != nullptr) shown.push_back(second);
    report("more than its holder rendered while a lease held", std::move(shown));
  }

  /// Keeps the shortest: of the fewest events, within the least time.
  void report(std::string_view promise, Shown shown) {
    ++verdict_.offences;
    std::stable_sort(shown.begin(), shown.end(), [](const Event* a, const Event* b) { return a->call < b->call; });
    const auto length = [](const Shown& events) { return std::pair(events.size(), events.back()->end - events.front()->call); };
    if (!best_.empty() && length(best_) <= length(shown)) return;
    verdict_.promise = promise;
    best_ = std::move(shown);
  }

  History& history_;
  const Promises promises_;
  const std::uint32_t every_key_;
  std::unordered_map<std::uint32_t, OfKey> keys_;
  Timeline every_;  // changes of any key
  Verdict verdict_;
  Shown best_;
};

}  // namespace render_cache::laws

// What threads and processes did to sources and to a cache, and when: written down as it happens, to be checked by history_check.hpp.
//
//   Log log;                                                   // or Log(path): each event is a line of a file at once
//   log.edit("docs/a.md", state, [&] { save(text); });
//   log.read("docs/a.md", [&] { return cache.get(key, source); });
//
// A state of a source is named by the text of its fingerprint. All times are of `steady_clock`, which the processes of one machine share.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/entry/entry.hpp>
#include <render_cache/entry/miss.hpp>
#include <render_cache/read/outcome.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <fstream>
#include <functional>
#include <istream>
#include <mutex>
#include <ostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include <unistd.h>

namespace render_cache::laws {

/// Texts by number.
class Names {
 public:
  /// The text's number, a new one if it has none.
  std::uint32_t number(std::string_view text) {
    const auto at = numbers_.find(text);
    if (at != numbers_.end()) return at->second;
    texts_.emplace_back(text);
    return numbers_.emplace(texts_.back(), static_cast<std::uint32_t>(texts_.size() - 1)).first->second;
  }
  /// The text of a number.
  [[nodiscard]] const std::string& text(std::uint32_t number) const { return texts_.at(number); }
  /// How many there are.
  [[nodiscard]] std::size_t size() const noexcept { return texts_.size(); }

 private:
  std::deque<std::string> texts_;
  std::unordered_map<std::string_view, std::uint32_t> numbers_;  // views of them
};

/// Something that happened between a call and its return.
struct Event {
  /// What happened.
  enum class Kind : std::uint8_t {
    edit,  ///< the source of the key got the state
    hit,  ///< a read was answered by the store
    missed,  ///< a read was answered by its own render, for the store had nothing for it
    shared,  ///< a read was answered by another read's render
    forced,  ///< a read rendered without an answer of the store: a refresh, a store that failed, a source too new to trust
    render,  ///< the renderer made a value of the state
    publish,  ///< a store took an entry of the state
    change,  ///< something else that may have changed or removed what is stored for the key; without a key, for any
    erase,  ///< the cache of the process erased the key
    lease  ///< the process had a lease for key and state
  };
  /// The kinds' names.
  static constexpr std::array<std::string_view, 10> words{"edit",   "hit",     "missed", "shared", "forced",
                                                          "render", "publish", "change", "erase",  "lease"};

  Kind kind;  ///< what happened
  std::uint32_t process;  ///< in which process
  std::uint32_t thread;  ///< and in which of its threads
  std::int64_t call;  ///< when it began, in nanoseconds of `steady_clock`
  std::int64_t end;  ///< when it had returned
  std::uint32_t key;  ///< whose source, in `Names`
  std::uint32_t state;  ///< which state of it
  std::uint32_t says;  ///< of a read: the state that the value itself says it was made of; where that is not known, the same
};

/// Takes down what happens. All members may be called from many threads at once; a log for each thread is quicker.
class Log {
 public:
  /// In memory, for `History::add`. Who simulates several processes in one numbers them.
  explicit Log(std::uint32_t process = static_cast<std::uint32_t>(::getpid())) : process_(process) {}
  /// Appended to a file of its own, event by event, so that a process that is killed leaves what it did; for `History::read`.
  explicit Log(const std::string& path) : Log() {
    file_.open(path, std::ios::app);
    if (!file_) throw std::runtime_error("the history '" + path + "' cannot be written");
    to_file_ = true;
  }

  /// The source of `key` is edited by `action`: before, it has the state that it had, and afterwards `state`. The first state of a source is
  /// an edit, too, without an action.
  template <class Action = void (*)()>
  void edit(
      std::string_view key, std::string_view state, Action&& action = [] {}) {
    timed(Event::Kind::edit, key, state, action);
  }
  /// `action` makes a value of that state in the renderer.
  template <class Action>
  auto render(std::string_view key, std::string_view state, Action&& action) {
    return timed(Event::Kind::render, key, state, action);
  }
  /// `action` erases from the process's cache.
  template <class Action>
  auto erase(std::string_view key, Action&& action) {
    return timed(Event::Kind::erase, key, {}, action);
  }
  /// `action` reads and returns the outcome; `says` tells of a value which state it was made of, where it can. A read that throws, or
  /// that has allowed an older value and got one, is not taken down.
  template <class Action, class Says = std::nullptr_t>
  auto read(std::string_view key, Action&& action, Says says = nullptr) {
    const auto call = now();
    auto outcome = action();
    const auto end = now();
    if (outcome && outcome.origin != Origin::stale) {
      const std::string_view state = outcome.entry->fingerprint.text();
      if constexpr (std::is_null_pointer_v<Says>) {
        add(kind_of(outcome), key, state, call, end);
      } else if (outcome.stored) {
        add(kind_of(outcome), key, state, call, end, std::invoke(says, outcome.entry->value));
      } else {  // the source may have moved while it was rendered
        add(kind_of(outcome), key, state, call, end);
      }
    }
    return outcome;
  }

  /// Takes down what happened. Empty for `says`: not known.
  void add(Event::Kind kind, std::string_view key, std::string_view state, std::int64_t call, std::int64_t end,
           std::string_view says = {}) {
    const std::lock_guard lock(mutex_);
    if (to_file_) {
      write(file_, kind, {process_, this_thread()}, call, end, {key, state, says.empty() ? state : says});
      file_.flush();
    } else {
      const auto named = names_.number(state);
      const auto said = says.empty() || says == state ? named : names_.number(says);
      events_.push_back({kind, process_, this_thread(), call, end, names_.number(key), named, said});
    }
  }

  /// Nanoseconds of `steady_clock`.
  static std::int64_t now() { return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count(); }

 private:
  friend class History;

  static std::uint32_t this_thread() noexcept {
    const std::uint64_t id = std::hash<std::thread::id>{}(std::this_thread::get_id());
    return static_cast<std::uint32_t>(id >> 32 ^ id);
  }

  template <class Outcome>
  static Event::Kind kind_of(const Outcome& outcome) {
    if (outcome.origin == Origin::store || outcome.origin == Origin::near) return Event::Kind::hit;
    if (outcome.miss != Miss::absent && outcome.miss != Miss::changed) return Event::Kind::forced;
    return outcome.origin == Origin::flight ? Event::Kind::shared : Event::Kind::missed;
  }

  template <class Action>
  auto timed(Event::Kind kind, std::string_view key, std::string_view state, Action& action) {
    const auto call = now();
    if constexpr (std::is_void_v<decltype(action())>) {
      action();
      add(kind, key, state, call, now());
    } else {
      auto result = action();
      add(kind, key, state, call, now());
      return result;
    }
  }

  /// A line: `hit 4711 1 1234 1260 docs/a.md source=2|renderer=1 source=2|renderer=1`. What no word may have is %XX.
  static void write(std::ostream& out, Event::Kind kind, std::pair<std::uint32_t, std::uint32_t> process_and_thread,
                    std::int64_t call, std::int64_t end, const std::array<std::string_view, 3>& texts) {
    std::string line(Event::words[static_cast<std::size_t>(kind)]);
    const auto& [process, thread] = process_and_thread;
    for (const auto number : {std::int64_t{process}, std::int64_t{thread}, call, end}) line += ' ' + std::to_string(number);
    for (const auto text : texts) {
      line += ' ';
      if (text.empty()) line += '%';
      for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte > 0x20 && byte < 0x7f && c != '%') {
          line += c;
        } else {
          constexpr std::string_view hex = "0123456789abcdef";
          line.append({'%', hex[byte >> 4], hex[byte & 15]});
        }
      }
    }
    out << line + '\n';
  }

  const std::uint32_t process_;
  std::mutex mutex_;
  bool to_file_ = false;
  std::ofstream file_;
  Names names_;
  std::vector<Event> events_;
};

/// What all of them did, in no order.
class History {
 public:
  /// Adds what a log in memory has; nobody writes to it meanwhile.
  void add(const Log& log) {
    std::vector<std::uint32_t> numbers;
    for (std::uint32_t i = 0; i < log.names_.size(); ++i) numbers.push_back(names_.number(log.names_.text(i)));
    events_.reserve(events_.size() + log.events_.size());
    for (auto event : log.events_) {
      for (auto* name : {&event.key, &event.state, &event.says}) *name = numbers[*name];
      events_.push_back(event);
    }
  }

  /// Adds what a file has that a log wrote. Throws std::runtime_error for a line that none has written, but for one at the end that
  /// was not written to its end, by a process that was killed.
  void read(std::istream& file) {
    std::string line;
    for (std::size_t number = 1; std::getline(file, line) && !file.eof(); ++number) {
      if (!read_line(line)) {
        throw std::runtime_error("line " + std::to_string(number) +
                                 " of the history is none: KIND PROCESS THREAD CALL RETURN KEY STATE SAYS, and not '" + line +
                                 "'");
      }
    }
  }

  /// All events.
  [[nodiscard]] const std::vector<Event>& events() const noexcept { return events_; }
  /// The text that an event has the number of.
  [[nodiscard]] const std::string& text(std::uint32_t number) const { return names_.text(number); }
  /// The number of no text: what an event has for a key if it concerns all of them.
  [[nodiscard]] std::uint32_t nothing() { return names_.number({}); }

 private:
  bool read_line(std::string_view rest) {
    const auto word = [&] {
      const auto found = rest.substr(0, rest.find(' '));
      rest.remove_prefix(std::min(found.size() + 1, rest.size()));
      return found;
    };
    const auto number = [&](auto& into, int base, std::string_view digits) {
      const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), into, base);
      return error == std::errc() && end == digits.data() + digits.size();
    };
    const auto text = [&](std::uint32_t& into) {
      const auto escaped = word();
      std::string plain;
      if (escaped.empty()) return false;
      for (std::size_t i = 0; i < escaped.size() && escaped != "%"; ++i) {
        unsigned char byte = static_cast<unsigned char>(escaped[i]);
        if (byte == '%') {
          if (escaped.size() - i < 3 || !number(byte, 16, escaped.substr(i + 1, 2))) return false;
          i += 2;
        }
        plain += static_cast<char>(byte);
      }
      into = names_.number(plain);
      return true;
    };
    const auto kind = std::find(Event::words.begin(), Event::words.end(), word());
    Event event{static_cast<Event::Kind>(kind - Event::words.begin()), 0, 0, 0, 0, 0, 0, 0};
    if (kind == Event::words.end() || !number(event.process, 10, word()) || !number(event.thread, 10, word()) ||
        !number(event.call, 10, word()) || !number(event.end, 10, word()) || !text(event.key) || !text(event.state) ||
        !text(event.says) || !rest.empty()) {
      return false;
    }
    events_.push_back(event);
    return true;
  }

  Names names_;
  std::vector<Event> events_;
};

}  // namespace render_cache::laws

// A Chromium without a window, driven over its DevTools protocol through two pipes. Nothing waits for ever: what a page never
// comes to is what some tests are about.
#pragma once

#include "support/temporary_directory.hpp"

#include <nlohmann/json.hpp>

#include <sys/types.h>

#include <chrono>
#include <set>
#include <string>

namespace render_cache::test {

class Chromium {
 public:
  /// With one empty tab.
  Chromium();
  ~Chromium();
  Chromium(const Chromium&) = delete;
  Chromium& operator=(const Chromium&) = delete;

  /// Goes there, and waits until all of the page has loaded, or for two seconds.
  void open(const std::string& url);
  /// The value of an expression in the page.
  nlohmann::json evaluate(const std::string& expression);
  /// A method of the protocol, with the result it has.
  nlohmann::json call(const std::string& method, nlohmann::json parameters = nlohmann::json::object());
  /// The same, and nobody waits for the result.
  int tell(const std::string& method, nlohmann::json parameters);

  /// What scripts in pages have told so far, each with a number: `ran(17)`.
  const std::set<int>& ran() const noexcept { return ran_; }
  /// Sees to what the browser has to tell for so long.
  void listen_for(std::chrono::milliseconds time);
  void forget() { ran_.clear(); }

 private:
  using Clock = std::chrono::steady_clock;

  void start();
  /// Takes the next message, if there is one in time, and what it tells; its text or null.
  nlohmann::json next(Clock::time_point until);

  TemporaryDirectory profile_;
  pid_t process_ = 0;
  int to_ = -1, from_ = -1;
  std::string received_;
  std::string session_;
  int last_id_ = 0;
  bool loaded_ = false;
  std::set<int> ran_;
};

}  // namespace render_cache::test

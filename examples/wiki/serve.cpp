#include "http/server.hpp"
#include "options.hpp"
#include "sweep.hpp"
#include "wiki.hpp"

#include <render_cache/entry/text.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <iostream>
#include <mutex>
#include <random>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace wiki {
namespace {

using Clock = std::chrono::steady_clock;

/// One line an event on standard error, from any thread; of errors one of a kind in ten seconds, for each request may bring one.
class Log {
 public:
  void line(const std::string& text) {
    const std::lock_guard lock(mutex_);
    write(text);
  }
  void store_error(const std::exception& error) {
    store_errors_.say(*this, "the store failed, pages are rendered meanwhile: ", error.what());
  }
  void page_error(const std::string& what) { page_errors_.say(*this, "answered ", what); }

 private:
  struct Kind {
    void say(Log& log, const char* beginning, std::string_view what) {
      const std::lock_guard lock(log.mutex_);
      ++unsaid;
      if (Clock::now() < quiet_until) return;
      std::string text(beginning);
      text += what;
      if (unsaid > 1) text += " (and " + std::to_string(unsaid - 1) + " errors more since the last report)";
      log.write(text);
      unsaid = 0;
      quiet_until = Clock::now() + std::chrono::seconds(10);
    }
    std::size_t unsaid = 0;
    Clock::time_point quiet_until{};
  };

  static void write(const std::string& text) { std::cerr << "wiki: " << render_cache::printable(text) << std::endl; }

  std::mutex mutex_;
  Kind store_errors_, page_errors_;
};

/// What goes on beside the requests: tables that could not be prepared yet, and clean-up.
class Housekeeping {
 public:
  Housekeeping(Wiki& wiki, const ServeOptions& options, bool store_is_ready, Log& log)
      : wiki_(wiki), options_(options), log_(log), store_is_ready_(store_is_ready),
        thread_([this](std::stop_token stop) { run(std::move(stop)); }) {}

 private:
  void run(std::stop_token stop) {
    while (!store_is_ready_ && wait(stop, std::chrono::seconds(2))) store_is_ready_ = try_to_prepare();
    if (options_.prune_every.count() == 0) return;
    // Nodes that were started together do not sweep together.
    std::minstd_rand random(std::random_device{}());
    std::uniform_real_distribution<> jitter(0.75, 1.25);
    const auto pause = [&] { return std::chrono::duration_cast<Clock::duration>(options_.prune_every * jitter(random)); };
    while (wait(stop, pause())) clean_up(stop);
  }

  bool wait(std::stop_token stop, Clock::duration time) {
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, stop, time, [] { return false; });
    return !stop.stop_requested();
  }

  bool try_to_prepare() {
    try {
      wiki_.pages().prepare();
      log_.line("the store can be reached now");
      return true;
    } catch (const render_cache::StoreUnavailable&) {
      return false;
    } catch (const std::exception& error) {
      log_.line(std::string("the store cannot be used: ") + error.what());
      return true;  // trying again will not help
    }
  }

  void clean_up(const std::stop_token& stop) {
    try {
      const auto report = sweep(wiki_.pages(), options_, options_.prune, stop);
      for (const auto& warning : report.warnings) log_.line(warning);
      if (removed(report) > 0) log_.line("clean-up: " + describe(report, false));
    } catch (const std::exception& error) {
      log_.line(std::string("clean-up failed: ") + error.what());
    }
  }

  Wiki& wiki_;
  const ServeOptions& options_;
  Log& log_;
  bool store_is_ready_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;  // last: it uses all the rest
};

}  // namespace

int serve(const ServeOptions& options) {
  Log log;
  const auto on_store_error = [&log, read_only = options.store.read_only](const std::exception& error) {
    if (!read_only || dynamic_cast<const render_cache::StoreForbidden*>(&error) == nullptr) log.store_error(error);
  };
  // The budget is of resident memory; a memory store may take 1.15 times its capacity of that (docs/memory.md).
  const auto capacity = options.memory / 115 * 100;
  const auto pages = open_pages(
      {.store = options.store, .memory = capacity / 4, .render_limit = options.render_limit, .on_store_error = on_store_error});
  bool store_is_ready = true;
  try {
    pages->prepare();
  } catch (const render_cache::StoreUnavailable& error) {
    store_is_ready = false;
    log.line(std::string("the store cannot be reached; pages are rendered until it can: ") + error.what());
  }
  Wiki wiki(options.roots, *pages, capacity - capacity / 4);
  http::Server server(wiki, options.server);
  wiki.attach(server);
  wiki.on_error([&log](const std::string& what) { log.page_error(what); });

  std::cout << "Serving " << server.url() << "/ (" << options.roots.size()
            << (options.roots.size() == 1 ? " repository" : " repositories") << "; store: " << options.store.describe()
            << "). Ctrl-C stops." << std::endl;
  if (server.max_connections() < options.server.max_connections) {
    log.line("the limit of file descriptors (ulimit -n) allows " + std::to_string(server.max_connections()) +
             " connections at once, not " + std::to_string(options.server.max_connections));
  }
  const Housekeeping housekeeping(wiki, options, store_is_ready, log);
  const bool finished = server.run([&log] { log.line("stopping; requests in flight finish"); });
  if (!finished) {
    log.line("gave up on requests that took too long");
    std::_Exit(0);  // workers may still wait for a store: nothing that they use may be destroyed
  }
  return 0;
}

}  // namespace wiki

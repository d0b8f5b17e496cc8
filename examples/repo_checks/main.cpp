// repo_checks: what a set of repositories lacks, evaluated once and then verified at each look.
#include "commands.hpp"
#include "config.hpp"
#include "server.hpp"
#include "signals.hpp"

#include <render_cache/error.hpp>

#include <CLI/CLI.hpp>

#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <filesystem>
#include <iostream>
#include <map>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>

namespace {

using namespace repo_checks;

/// By the XDG base directory specification.
std::filesystem::path default_database() {
  const auto variable = [](const char* name) { return std::string(std::getenv(name) == nullptr ? "" : std::getenv(name)); };
  const auto data = variable("XDG_DATA_HOME");
  const auto folder = data.starts_with('/') ? std::filesystem::path(data) : std::filesystem::path(variable("HOME")) / ".local/share";
  return folder / "repo_checks" / "repo_checks.db";
}

/// Says each message once: a table that cannot be used is no news at the next repository.
std::function<void(const std::exception&)> warning() {
  struct Said {
    std::mutex mutex;
    std::set<std::string> messages;
  };
  return [said = std::make_shared<Said>()](const std::exception& error) {
    const std::lock_guard lock(said->mutex);
    if (said->messages.insert(error.what()).second) std::cerr << "warning: the cache cannot be used: " << error.what() << '\n';
  };
}

struct Request {
  std::string store, config, slug, path, event, listen = "127.0.0.1:8081";
  SummaryOptions summary{};
  std::string require;
  double interval = 5, max_stale = -1, patience = 0;
};

}  // namespace

int main(int argc, char** argv) {
  Request request;
  request.summary.parallel = std::max(1u, std::thread::hardware_concurrency());
  CLI::App app{"Checks repositories against criteria in three tiers, and remembers the results until something changes.\n\n"
               "Exit codes: 0 done; 1 a repository is below --require or could not be evaluated; 2 bad request;\n"
               "3 the database cannot be used; 130 interrupted."};
  app.require_subcommand(1);
  app.add_option("--store", request.store, "sqlite:PATH or postgres:CONNINFO (default: sqlite:" + default_database().string() + ")");
  app.add_option("--config", request.config, "a JSON file with criteria of your own");
  app.fallthrough();

  const auto with_slug = [&](CLI::App* command) { command->add_option("SLUG", request.slug)->required(); };
  auto* add_command = app.add_subcommand("add", "put a repository under management");
  with_slug(add_command);
  add_command->add_option("PATH", request.path)->required();
  auto* remove_command = app.add_subcommand("remove", "forget a repository, its events and its result");
  with_slug(remove_command);
  auto* touch_command = app.add_subcommand("touch", "say that a repository has changed, for instance from a commit hook");
  with_slug(touch_command);
  auto* record_command = app.add_subcommand("record", "record a snapshot or a goal of a repository");
  with_slug(record_command);
  record_command->add_option("EVENT", request.event)->required()->check(CLI::IsMember({"snapshot", "goal"}));
  auto* list_command = app.add_subcommand("list", "the repositories under management");
  auto* check_command = app.add_subcommand("check", "one repository, criterion by criterion");
  with_slug(check_command);
  auto* summary_command = app.add_subcommand("summary", "all repositories");
  auto* watch_command = app.add_subcommand("watch", "the summary, and then each change");
  watch_command->add_option("--every", request.interval, "seconds between two looks")->check(CLI::Range(0.1, 86400.0));
  auto* serve_command = app.add_subcommand("serve", "JSON over HTTP: /repos, /repos/SLUG?force_refresh=true, /summary");
  serve_command->add_option("--listen", request.listen, "ADDRESS:PORT (default: " + request.listen + ")");

  for (auto* command : {list_command, check_command, summary_command}) command->add_flag("--json", request.summary.json);
  for (auto* command : {check_command, summary_command}) {
    command->add_flag("--force-refresh", request.summary.force_refresh, "evaluate although nothing has changed");
    command->add_option("--require", request.require, "exit with 1 below this tier")->check(CLI::IsMember({"core", "standard", "full"}));
  }
  for (auto* command : {summary_command, watch_command, serve_command}) {
    command->add_option("--parallel", request.summary.parallel, "evaluations at a time")->check(CLI::Range(1, 1000));
  }
  summary_command->add_option("--max-stale", request.max_stale,
                              "show results up to this many seconds old while new ones are evaluated")->check(CLI::Range(0.0, 1e9));
  summary_command->add_option("--patience", request.patience, "with --max-stale: seconds to wait for a new result first")
      ->check(CLI::Range(0.0, 1e6));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? done : bad_request;
  }
  if (!request.require.empty()) request.summary.require = tier_named(request.require);
  if (request.max_stale >= 0) request.summary.max_stale = std::chrono::seconds(static_cast<long long>(request.max_stale));
  const auto in_milliseconds = [](double seconds) { return std::chrono::milliseconds(static_cast<long long>(seconds * 1000)); };
  request.summary.patience = in_milliseconds(request.patience);

  const Output output{std::cout, std::cerr, Terminal::of(STDOUT_FILENO), Terminal::of(STDERR_FILENO), ::isatty(STDERR_FILENO) == 1};
  const Signals signals;
  try {
    ChecksOptions options{.stop = signals.token(), .on_store_error = warning()};
    if (!request.config.empty()) options.configuration = load_configuration(request.config);
    if (request.store.empty()) {
      std::filesystem::create_directories(default_database().parent_path());
      request.store = "sqlite:" + default_database().string();
    }
    const auto checks = open_checks(request.store, std::move(options));
    auto& registry = checks->registry();
    if (*add_command) return add(*checks, request.slug, request.path, output);
    if (*remove_command) return registry.remove(request.slug), done;
    if (*touch_command) return registry.touch(request.slug), done;
    if (*record_command) {
      return registry.record(request.slug, request.event == "snapshot" ? Event::snapshot : Event::goal), done;
    }
    if (*list_command) return list(*checks, request.summary.json, output);
    if (*check_command) return check(*checks, request.slug, request.summary, output);
    if (*summary_command) return summary(*checks, request.summary, signals.token(), output);
    if (*watch_command) return watch(*checks, in_milliseconds(request.interval), request.summary, signals.token(), output);
    return serve(*checks, request.listen, request.summary.parallel, signals.token(), output.messages);
  } catch (const render_cache::Cancelled&) {
    return interrupted;
  } catch (const render_cache::StoreError& error) {
    std::cerr << "repo_checks: " << error.what() << '\n';
    return no_database;
  } catch (const std::exception& error) {
    std::cerr << "repo_checks: " << error.what() << '\n';
    return bad_request;
  }
}

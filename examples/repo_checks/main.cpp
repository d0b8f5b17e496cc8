// repo_checks: what a set of repositories lacks, evaluated once and then verified at each look.
#include "commands.hpp"
#include "config.hpp"
#include "server.hpp"
#include "signals.hpp"

#include <render_cache/entry/error.hpp>

#include <CLI/CLI.hpp>

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <functional>
#include <iostream>
#include <memory>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>

namespace {

using namespace repo_checks;

/// By the XDG base directory specification.
std::filesystem::path default_database() {
  const auto variable = [](const char* name) { return std::string(std::getenv(name) == nullptr ? "" : std::getenv(name)); };
  const auto data = variable("XDG_DATA_HOME");
  const auto folder =
      data.starts_with('/') ? std::filesystem::path(data) : std::filesystem::path(variable("HOME")) / ".local/share";
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

/// What the command line asks for.
struct Request {
  std::string store, config;
  std::string slug, path, event, require, listen = "127.0.0.1:8081";
  http::ServerOptions server{};
  SummaryOptions summary{};
  double interval = 5, max_stale = -1, patience = 0;  // seconds
};

void define_commands(CLI::App& app, Request& request) {
  const auto command = [&](const char* name, const char* purpose) { return app.add_subcommand(name, purpose); };
  const auto command_on_one = [&](const char* name, const char* purpose) {
    auto* one = command(name, purpose);
    one->add_option("SLUG", request.slug)->required();
    return one;
  };
  app.require_subcommand(1);
  app.fallthrough();
  app.add_option("--store", request.store,
                 "sqlite:PATH or postgres:CONNINFO (default: sqlite:" + default_database().string() + ")");
  app.add_option("--config", request.config, "a JSON file with criteria of your own");

  command_on_one("add", "put a repository under management")->add_option("PATH", request.path)->required();
  command_on_one("remove", "forget a repository, its events and its result");
  command_on_one("touch", "say that a repository has changed, for instance from a commit hook");
  command_on_one("record", "record a snapshot or a goal of a repository")
      ->add_option("EVENT", request.event)
      ->required()
      ->check(CLI::IsMember({"snapshot", "goal"}));
  auto* list = command("list", "the repositories under management");
  auto* check = command_on_one("check", "one repository, criterion by criterion");
  auto* summary = command("summary", "all repositories");
  auto* watch = command("watch", "the summary, and then each change");
  auto* serve = command("serve", "JSON over HTTP: /repos, /repos/SLUG?force_refresh=true, /summary");

  for (auto* each : {list, check, summary}) each->add_flag("--json", request.summary.json);
  for (auto* each : {check, summary}) {
    each->add_flag("--force-refresh", request.summary.force_refresh, "evaluate although nothing has changed");
    each->add_option("--require", request.require, "exit with 1 below this tier")
        ->check(CLI::IsMember({"core", "standard", "full"}));
  }
  for (auto* each : {summary, watch, serve}) {
    each->add_option("--parallel", request.summary.parallel, "evaluations at a time")->check(CLI::Range(1, 1000));
  }
  summary->add_option("--max-stale", request.max_stale, "show results up to this many seconds old while new ones are evaluated")
      ->check(CLI::Range(0.0, 1e9));
  summary->add_option("--patience", request.patience, "with --max-stale: seconds to wait for a new result first")
      ->check(CLI::Range(0.0, 1e6));
  watch->add_option("--every", request.interval, "seconds between two looks")->check(CLI::Range(0.1, 86400.0));
  serve->add_option("--listen", request.listen, "ADDRESS:PORT (default: " + request.listen + ")");
  serve
      ->add_option("--host", request.server.hosts,
                   "a name that the server is known by. Again for more. On loopback it answers only for these and for loopback "
                   "names")
      ->type_name("NAME");
}

int execute(const std::string& command, Request request, std::stop_token stop, const Output& output) {
  const auto milliseconds = [](double seconds) { return std::chrono::milliseconds(static_cast<long long>(seconds * 1000)); };
  auto& summary_options = request.summary;
  summary_options.require = tier_named(request.require);
  summary_options.patience = milliseconds(request.patience);
  if (request.max_stale >= 0) summary_options.max_stale = std::chrono::seconds(static_cast<long long>(request.max_stale));

  ChecksOptions options{.stop = stop, .on_store_error = warning()};
  if (!request.config.empty()) options.configuration = load_configuration(request.config);
  if (request.store.empty()) {
    std::filesystem::create_directories(default_database().parent_path());
    request.store = "sqlite:" + default_database().string();
  }
  const auto checks = open_checks(request.store, std::move(options));

  if (command == "add") return add(*checks, request.slug, request.path, output);
  if (command == "remove") return checks->registry().remove(request.slug), done;
  if (command == "touch") return checks->registry().touch(request.slug), done;
  if (command == "record") {
    return checks->registry().record(request.slug, request.event == "snapshot" ? Event::snapshot : Event::goal), done;
  }
  if (command == "list") return list(*checks, summary_options.json, output);
  if (command == "check") return check(*checks, request.slug, summary_options, output);
  if (command == "summary") return summary(*checks, summary_options, stop, output);
  if (command == "watch") return watch(*checks, milliseconds(request.interval), summary_options, stop, output);
  http::parse_listen(request.listen, request.server);
  return serve(*checks, request.server, summary_options.parallel, stop, output.messages);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{
      "Checks repositories against criteria in three tiers, and remembers the results until something changes.\n\n"
      "Exit codes: 0 done; 1 a repository is below --require or could not be evaluated; 2 bad request;\n"
      "3 the database cannot be used; 130 interrupted."};
  Request request;
  request.summary.parallel = std::max(1u, std::thread::hardware_concurrency());
  define_commands(app, request);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? done : bad_request;
  }
  const Output output{std::cout, std::cerr, Terminal::of(STDOUT_FILENO), Terminal::of(STDERR_FILENO),
                      ::isatty(STDERR_FILENO) == 1};
  const Signals signals;
  try {
    return execute(app.get_subcommands().front()->get_name(), std::move(request), signals.token(), output);
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

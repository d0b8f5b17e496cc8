// The command line of the wiki: serve, warm, prune, migrate.
#include "options.hpp"

#include <render_cache/entry/text.hpp>
#include <render_cache/version.hpp>

#include <CLI/CLI.hpp>

#include <exception>
#include <iostream>
#include <map>
#include <string>
#include <thread>

namespace {

using wiki::CommonOptions;

struct CommonTexts {
  std::vector<std::string> roots;
  std::string store = "memory";
  std::size_t memory = std::size_t{64} << 20;

  void fill(CommonOptions& options) const {
    options.roots = wiki::parse_roots(roots);
    options.store = wiki::StoreChoice::parse(store);
    options.memory = memory;
  }
};

void add_store(CLI::App& command, std::string& store) {
  command.add_option("--store", store, "memory, sqlite:PATH or postgres:CONNINFO (postgres:'host=db dbname=wiki')")
      ->capture_default_str();
}

CLI::Option* add_roots(CLI::App& command, std::vector<std::string>& roots) {
  return command.add_option("--root", roots, "A repository: ALIAS=DIR, or DIR, whose name is then the alias. Again for more.")
      ->type_name("ALIAS=DIR");
}

void add_memory(CLI::App& command, std::size_t& memory) {
  command.add_option("--memory", memory, "Memory for what is read most: 64MiB, 1GiB; 0 for none")
      ->transform(CLI::AsSizeValue(false))
      ->default_str("64MiB");
}

/// Ten years: beyond it is a mistake, and far beyond clocks overflow.
const CLI::Range some_seconds(std::int64_t{0}, std::int64_t{315'360'000});
const CLI::Range some_milliseconds(std::int64_t{0}, std::int64_t{315'360'000'000});

template <class Seconds>
void add_duration(CLI::App& command, const char* name, Seconds& seconds, const char* description, const char* shown) {
  const std::map<std::string, std::int64_t> units{{"s", 1}, {"m", 60}, {"min", 60}, {"h", 3600}, {"d", 86400}};
  command
      .add_option_function<std::int64_t>(
          name, [&seconds](const std::int64_t& given) { seconds = Seconds(given); }, description)
      ->transform(CLI::AsNumberWithUnit(units, CLI::AsNumberWithUnit::CASE_INSENSITIVE, "TIME"))
      ->check(some_seconds)
      ->default_str(shown);
}

void add_render_limit(CLI::App& command, std::chrono::milliseconds& limit) {
  const std::map<std::string, std::int64_t> units{{"ms", 1}, {"s", 1000}, {"min", 60'000}};
  command
      .add_option_function<std::int64_t>(
          "--render-limit", [&limit](const std::int64_t& given) { limit = std::chrono::milliseconds(given); },
          "Time for one render; a page that needs more is refused for the moment. 0s for as long as it takes")
      ->transform(CLI::AsNumberWithUnit(units, CLI::AsNumberWithUnit::UNIT_REQUIRED, "TIME"))
      ->check(some_milliseconds)
      ->default_str("2s");
}

void add_prune_choice(CLI::App& command, wiki::PruneChoice& choice) {
  command
      .add_option("--live-query", choice.live_query,
                  "A query in the store's database that names the live repositories, such as 'SELECT alias_name FROM "
                  "global_repos'; without it those of --root live")
      ->type_name("SQL");
  auto* keep = command.add_flag_callback(
      "--keep-others", [&choice] { choice.keep_others = true; },
      "Entries of repositories that are not among --root stay, as they do by default in PostgreSQL, which nodes share");
  command
      .add_flag_callback(
          "--remove-others", [&choice] { choice.keep_others = false; }, "They go, as they do by default in SQLite")
      ->excludes(keep);
  add_duration(command, "--max-age", choice.max_age, "Entries that were rendered longer ago go: 30d; 0 for no such bound", "0");
  command
      .add_option_function<std::uint64_t>(
          "--max-size", [&choice](const std::uint64_t& given) { choice.max_size = given; },
          "What the entries in the database may take together: 500MiB, 20GiB; beyond that the oldest go. 0 for no such bound")
      ->transform(CLI::AsSizeValue(false))
      ->type_name("SIZE")
      ->default_str("4GiB in SQLite, 0 in PostgreSQL");
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Serves folders of Markdown as a wiki: each page is rendered once, verified on every read, and served from the cache.");
  app.set_version_flag("--version", "wiki " + std::string(render_cache::version()));
  app.require_subcommand(1);
  int status = 0;

  auto& serve = *app.add_subcommand("serve", "Serve repositories over HTTP until Ctrl-C");
  CommonTexts serve_texts;
  wiki::ServeOptions serve_options;
  std::string listen = "127.0.0.1:8080";
  serve_options.server.threads = std::max(1u, std::thread::hardware_concurrency());
  serve_options.server.workers = 2 * serve_options.server.threads;
  add_roots(serve, serve_texts.roots)->required();
  add_store(serve, serve_texts.store);
  serve.add_option("--listen", listen, "HOST:PORT; port 0 takes any free one")->capture_default_str();
  serve
      .add_option(
          "--host", serve_options.server.hosts,
          "A name that readers know this server by, such as wiki.example.org. Again for more. On loopback it answers only "
          "for these and for loopback names, elsewhere for any where none is given")
      ->type_name("NAME");
  bool read_only = false;
  serve.add_flag(
      "--read-only", read_only,
      "The file of --store sqlite:PATH was made by 'wiki warm' and is only read, so it may lie where nobody can write. What "
      "it lacks is rendered and kept in memory, and nothing is cleaned up");
  add_memory(serve, serve_texts.memory);
  serve.add_option("--threads", serve_options.server.threads, "Threads that read, answer hits and write")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  serve.add_option("--workers", serve_options.server.workers, "Threads that wait for the store and render")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  serve
      .add_option("--max-connections", serve_options.server.max_connections,
                  "Connections at once; for more, those make room that wait longest for their clients")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  serve
      .add_option("--max-connections-per-client", serve_options.server.max_connections_per_client,
                  "Of one address; by default a quarter of all, and any number from this machine, where a proxy may be")
      ->check(CLI::PositiveNumber);
  serve.add_option("--max-waiting", serve_options.server.max_waiting, "Requests that wait for a worker; 503 beyond")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  add_duration(serve, "--head-limit", serve_options.server.head_limit, "Time for a request to arrive completely", "10s");
  add_duration(serve, "--idle-limit", serve_options.server.idle_limit, "Time between two requests of a connection", "60s");
  add_render_limit(serve, serve_options.render_limit);
  add_duration(serve, "--work-limit", serve_options.server.work_limit, "Time until a request's answer begins; 503 beyond", "60s");
  add_duration(serve, "--write-limit", serve_options.server.write_limit, "Time for a client that takes nothing of its answer",
               "30s");
  serve.add_option("--least-rate", serve_options.server.least_rate, "Bytes a second that a client has to take of its answer")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  add_duration(serve, "--grace", serve_options.server.grace, "Time for requests in flight when the server is stopped", "10s");
  add_duration(serve, "--prune-every", serve_options.prune_every, "Time between clean-ups, give or take a quarter; 0 for never",
               "1h");
  add_prune_choice(serve, serve_options.prune);
  serve.callback([&] {
    serve_texts.fill(serve_options);
    if (read_only) {
      if (serve_options.store.kind != wiki::StoreChoice::Kind::sqlite) {
        throw render_cache::Error("--read-only needs --store sqlite:PATH");
      }
      serve_options.store.read_only = true;
      serve_options.prune_every = std::chrono::seconds(0);
    }
    http::parse_listen(listen, serve_options.server);
    status = wiki::serve(serve_options);
  });

  auto& warm = *app.add_subcommand("warm", "Render every page that is not fresh in the store, in parallel");
  CommonTexts warm_texts;
  wiki::WarmOptions warm_options;
  warm_options.parallel = std::max(1u, std::thread::hardware_concurrency());
  add_roots(warm, warm_texts.roots)->required();
  add_store(warm, warm_texts.store);
  warm.add_option("--parallel", warm_options.parallel, "Renders at a time")->check(CLI::Range(1, 1024))->capture_default_str();
  warm.callback([&] {
    warm_texts.fill(warm_options);
    status = wiki::warm(warm_options);
  });

  auto& prune =
      *app.add_subcommand("prune", "Delete entries of repositories and pages that no longer exist, and those beyond the bounds");
  CommonTexts prune_texts;
  CommonOptions prune_options;
  wiki::PruneChoice prune_choice;
  add_roots(prune, prune_texts.roots);
  add_store(prune, prune_texts.store);
  prune.add_flag("--dry-run", prune_choice.dry_run, "Count and change nothing");
  add_prune_choice(prune, prune_choice);
  prune.callback([&] {
    prune_texts.fill(prune_options);
    if (prune_options.roots.empty() && prune_choice.live_query.empty() && !prune_choice.keep_others.value_or(false)) {
      throw render_cache::Error(
          "without --root and without --live-query every entry would go: say which repositories live, or --keep-others");
    }
    status = wiki::prune(prune_options, prune_choice);
  });

  auto& migrate = *app.add_subcommand("migrate", "Bring the store's tables up to date; serve, warm and prune do that too");
  wiki::MigrateOptions migrate_options;
  std::string migrate_store;
  std::uint32_t migrate_to = 0;
  add_store(migrate, migrate_store);
  migrate.get_option("--store")->required();
  auto* status_flag =
      migrate.add_flag("--status", migrate_options.status, "Show which migrations are applied, and change nothing");
  migrate
      .add_flag("--down", migrate_options.down, "Undo all migrations, or those above --to; what the tables hold goes with them")
      ->excludes(status_flag);
  auto* to = migrate.add_option("--to", migrate_to, "The version to go to")->excludes(status_flag);
  migrate.callback([&] {
    migrate_options.store = wiki::StoreChoice::parse(migrate_store);
    if (to->count() > 0) migrate_options.to = migrate_to;
    status = wiki::migrate(migrate_options);
  });

  try {
    app.parse(argc, argv);
    return status;
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  } catch (const std::exception& error) {
    std::cerr << "wiki: " << render_cache::printable(error.what(), "\n\t") << '\n';
    return 1;
  }
}

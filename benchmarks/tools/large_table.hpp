// A large table of a wiki in either database, for the tools behind scripts/bench scale.
//
// It has 1,000 groups; 100 of them are not in the table global_repos, and dead by that. A place is sqlite:PATH of a file,
// postgres:SCHEMA CONNINFO, a schema that is dropped and made there, or partitioned:SCHEMA CONNINFO, the same with the table in
// partitions and with plans that are made once, as the documentation has it.
#pragma once

#include <render_cache/store/postgres.hpp>
#include <render_cache/store/sqlite.hpp>
#include <render_cache/wiki.hpp>
#include <render_cache/wiki_migrations.hpp>

#include <libpq-fe.h>
#include <sqlite3.h>

#include <sys/resource.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>

namespace render_cache::large_table {

using Clock = std::chrono::steady_clock;

inline double milliseconds(Clock::duration time) { return std::chrono::duration<double, std::milli>(time).count(); }
inline double seconds_since(Clock::time_point start) { return milliseconds(Clock::now() - start) / 1000; }

constexpr std::size_t groups = 1000, dead_groups = 100;

inline std::string group(std::size_t number) { return "repository-" + std::to_string(number); }
inline bool is_dead(std::size_t number) { return number % (groups / dead_groups) == 0; }
inline WikiKey key(std::size_t group_number, std::size_t row) {
  return {group(group_number), "page-" + std::to_string(row) + ".md"};
}

/// With a body of 1.2 KB.
inline EntryPtr<WikiPage> page(std::size_t number) {
  static const std::string text = [] {
    std::minstd_rand random(1);
    std::string made;
    while (made.size() < 8000) made += static_cast<char>('a' + random() % 26);
    return made;
  }();
  return std::make_shared<const Entry<WikiPage>>(
      Entry<WikiPage>{{text.substr(number % 6000, 1200), {"{}"}}, Fingerprint().add("source", number), {}, {}});
}

/// The most memory that this process has had, in MB.
inline double peak_memory() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  return static_cast<double>(used.ru_maxrss) / 1000;
}

struct SqliteTable {
  using Store = SqliteStore<WikiSchema>;

  explicit SqliteTable(const std::string& path) : options{.path = path, .migrations = wiki_migrations<SqliteDialect>()} {}

  void make() const { Store store(options); }
  static void settle() {}

  /// To be closed before a process is forked: SQLite is not to be carried into it.
  [[nodiscard]] std::unique_ptr<SqliteConnection> connect() const {
    return std::make_unique<SqliteConnection>(options.path, SqliteConnection::Access::write, std::chrono::seconds(10));
  }

  /// Where its log is.
  [[nodiscard]] std::filesystem::path log() const { return options.path.string() + "-wal"; }

  /// MB that this process has written, to log and file.
  [[nodiscard]] static double written() {
    std::ifstream file("/proc/self/io");
    for (std::string name, value; file >> name >> value;) {
      if (name == "wchar:") return std::strtod(value.c_str(), nullptr) / 1e6;
    }
    return 0;
  }

  /// The C API, and one statement: the lower bound.
  class Bare {
   public:
    explicit Bare(const SqliteTable& table) {
      check(sqlite3_open_v2(table.options.path.c_str(), &connection_, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, nullptr));
      const auto sql = Sql<SqliteDialect>(table_of<WikiSchema>()).lookup.text;
      check(sqlite3_prepare_v3(connection_, sql.c_str(), -1, SQLITE_PREPARE_PERSISTENT, &statement_, nullptr));
    }
    Bare(const Bare&) = delete;
    Bare& operator=(const Bare&) = delete;
    ~Bare() {
      sqlite3_finalize(statement_);
      sqlite3_close(connection_);
    }

    /// The body.
    std::string lookup(const WikiKey& key, const std::string& fingerprint) {
      int at = 0;
      for (const auto* text : {&key.repo_alias, &key.page_path, &fingerprint}) {
        check(sqlite3_bind_text64(statement_, ++at, text->data(), text->size(), SQLITE_STATIC, SQLITE_UTF8));
      }
      if (sqlite3_step(statement_) != SQLITE_ROW) throw std::runtime_error("a published page is not found");
      std::string html(reinterpret_cast<const char*>(sqlite3_column_text(statement_, 2)),
                       static_cast<std::size_t>(sqlite3_column_bytes(statement_, 2)));
      sqlite3_reset(statement_);
      return html;
    }

   private:
    void check(int code) const {
      if (code != SQLITE_OK) throw std::runtime_error(sqlite3_errmsg(connection_));
    }

    sqlite3* connection_ = nullptr;
    sqlite3_stmt* statement_ = nullptr;
  };

  SqliteOptions options;
};

struct PostgresTable {
  using Store = PostgresStore<WikiSchema>;

  explicit PostgresTable(const std::string& where, const std::string& settings = {})
      : schema(where.substr(0, where.find(' '))),
        options{.conninfo = where.substr(schema.size()) + " options='-c search_path=" + schema + settings + "'",
                .migrations = wiki_migrations<PostgresDialect>()} {}

  void make() const {
    connect()->run_script("DROP SCHEMA IF EXISTS " + schema + " CASCADE; CREATE SCHEMA " + schema);
    Store(options).check();
  }
  /// What comes then finds a table as it is hours after it was filled, whatever its size: no page of it is new to the log.
  void settle() const {
    const auto connection = connect();
    connection->run_script("VACUUM ANALYZE wiki_cache");
    connection->run_script("CHECKPOINT");
  }

  [[nodiscard]] std::unique_ptr<PostgresConnection> connect() const { return std::make_unique<PostgresConnection>(options); }

  static std::filesystem::path log() { return {}; }

  /// MB that all have written to the server's log.
  [[nodiscard]] double written() const {
    const auto rows = connect()->query("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')", {});
    return std::strtod(rows.at(0).at(0).value().c_str(), nullptr) / 1e6;
  }

  /// libpq, and one prepared statement: the lower bound.
  class Bare {
   public:
    explicit Bare(const PostgresTable& table)
        : connection_(PQconnectdb(detail::complete_conninfo(table.options.conninfo).c_str()), PQfinish) {
      if (PQstatus(connection_.get()) != CONNECTION_OK) throw std::runtime_error(PQerrorMessage(connection_.get()));
      const auto sql = Sql<PostgresDialect>(table_of<WikiSchema>()).lookup.text;
      PQclear(PQprepare(connection_.get(), "lookup", sql.c_str(), 0, nullptr));
    }

    /// The body.
    std::string lookup(const WikiKey& key, const std::string& fingerprint) {
      const std::array<const char*, 3> values{key.repo_alias.c_str(), key.page_path.c_str(), fingerprint.c_str()};
      const std::unique_ptr<PGresult, decltype(&PQclear)> rows(
          PQexecPrepared(connection_.get(), "lookup", values.size(), values.data(), nullptr, nullptr, 0), PQclear);
      if (PQntuples(rows.get()) != 1) throw std::runtime_error("a published page is not found");
      return {PQgetvalue(rows.get(), 0, 2), static_cast<std::size_t>(PQgetlength(rows.get(), 0, 2))};
    }

   private:
    std::unique_ptr<PGconn, decltype(&PQfinish)> connection_;
  };

  std::string schema;
  PostgresOptions options;
};

struct PartitionedTable : PostgresTable {
  explicit PartitionedTable(const std::string& where) : PostgresTable(where, " -c plan_cache_mode=force_generic_plan") {}

  void make() const {
    PostgresTable::make();
    const auto connection = connect();
    Migrator(*connection, load_migrations(RENDER_CACHE_SOURCE_DIR "/migrations/postgres/partitioned"),
             "wiki_partition_migrations")
        .up();
  }
};

/// What a tool's `main` does: `action(table)` with the table at the place. Returns the exit status.
template <class Action>
int at_place(std::string_view place, Action action) {
  try {
    const auto colon = place.find(':');
    const std::string kind(place.substr(0, colon)), where(colon == place.npos ? "" : place.substr(colon + 1));
    if (kind == "sqlite") {
      action(SqliteTable(where));
    } else if (kind == "postgres") {
      action(PostgresTable(where));
    } else if (kind == "partitioned") {
      action(PartitionedTable(where));
    } else {
      return 2;
    }
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}

}  // namespace render_cache::large_table

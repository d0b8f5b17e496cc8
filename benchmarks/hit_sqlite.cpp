// The SQLite store beside SQLite's C API on the same rows, with the same settings and statements, in the same run.
#include <render_cache/store/sqlite.hpp>
#include <render_cache/wiki.hpp>
#include <render_cache/wiki_migrations.hpp>

#include "pages.hpp"

#include <benchmark/benchmark.h>
#include <sqlite3.h>

#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace render_cache;
const Sql<SqliteDialect> statements(table_of<WikiSchema>());

/// A directory of this run's own with every page in a store, and in the same file a table for bare SQLite.
class Files {
 public:
  Files() {
    std::string pattern = (std::filesystem::temp_directory_path() / "render_cache_benchmark.XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary directory");
    directory_ = pattern;
    for (const auto& page : benchmark_pages()) {
      const auto fingerprint = Fingerprint().add("source", "s2:" + std::string(64, '0')).add("renderer", "benchmark/1");
      const WikiPage value{page.html, {R"({"title": "A page", "toc": []})"}};
      entries.emplace_back(WikiKey{"rust-book", page.path},
                           std::make_shared<const Entry<WikiPage>>(Entry<WikiPage>{value, fingerprint}));
    }
    for (const auto* name : {"hit.db", "publish.db", "publish_limit.db"}) {
      SqliteStore<WikiSchema>({.path = path(name), .migrations = wiki_migrations<SqliteDialect>()}).publish_many(entries);
    }
  }
  Files(const Files&) = delete;
  Files& operator=(const Files&) = delete;
  ~Files() {
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }

  [[nodiscard]] std::filesystem::path path(std::string_view name) const { return directory_ / name; }
  [[nodiscard]] SqliteOptions options(std::string_view name) const { return {.path = path(name)}; }

  std::vector<std::pair<WikiKey, EntryPtr<WikiPage>>> entries;

 private:
  std::filesystem::path directory_;
};

const Files& files() {
  static const Files shared;
  return shared;
}

/// Bare SQLite: one connection, one statement.
class Bare {
 public:
  Bare(std::string_view name, std::string_view sql, int flags) {
    check(sqlite3_open_v2(files().path(name).c_str(), &connection_, flags | SQLITE_OPEN_NOMUTEX, nullptr));
    check(sqlite3_exec(connection_,
                       "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA secure_delete = OFF;"
                       "PRAGMA foreign_keys = ON; PRAGMA journal_size_limit = 67108864",
                       nullptr, nullptr, nullptr));
    check(sqlite3_prepare_v3(connection_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &statement,
                             nullptr));
  }
  Bare(const Bare&) = delete;
  Bare& operator=(const Bare&) = delete;
  ~Bare() {
    sqlite3_finalize(statement);
    sqlite3_close(connection_);
  }

  void bind(int at, const std::string& text) const {
    check(sqlite3_bind_text64(statement, at, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8));
  }
  [[nodiscard]] std::string text(int column) const {
    return {reinterpret_cast<const char*>(sqlite3_column_text(statement, column)),
            static_cast<std::size_t>(sqlite3_column_bytes(statement, column))};
  }
  void check(int code) const {
    if (code != SQLITE_OK) throw std::runtime_error(sqlite3_errmsg(connection_));
  }

  sqlite3_stmt* statement = nullptr;

 private:
  sqlite3* connection_ = nullptr;
};

void hit(benchmark::State& state) {
  const auto& entries = files().entries;
  static SqliteStore<WikiSchema> store(files().options("hit.db"));
  auto at = static_cast<std::size_t>(state.thread_index());
  for (auto _ : state) {
    const auto& [key, entry] = entries[at++ % entries.size()];
    auto found = store.lookup(key, entry->fingerprint);
    if (!found.entry) return state.SkipWithError("a published page is not found");
    benchmark::DoNotOptimize(found);
  }
}
BENCHMARK(hit)->Name("hit/sqlite")->Threads(1)->Threads(2)->UseRealTime();

void hit_limit(benchmark::State& state) {
  const auto& entries = files().entries;
  const Bare bare("hit.db", statements.lookup.text, SQLITE_OPEN_READONLY);  // a connection for each thread
  auto at = static_cast<std::size_t>(state.thread_index());
  for (auto _ : state) {
    const auto& [key, entry] = entries[at++ % entries.size()];
    bare.bind(1, key.repo_alias);
    bare.bind(2, key.page_path);
    bare.bind(3, entry->fingerprint.text());
    if (sqlite3_step(bare.statement) != SQLITE_ROW) return state.SkipWithError("a published page is not found");
    auto found = std::make_shared<const WikiPage>(WikiPage{bare.text(2), {bare.text(3)}});
    sqlite3_reset(bare.statement);
    benchmark::DoNotOptimize(found);
  }
}
BENCHMARK(hit_limit)->Name("hit/sqlite/limit")->Threads(1)->Threads(2)->UseRealTime();

void publish(benchmark::State& state) {
  const auto& entries = files().entries;
  static SqliteStore<WikiSchema> store(files().options("publish.db"));
  std::size_t at = 0;
  for (auto _ : state) {
    const auto& [key, entry] = entries[at++ % entries.size()];
    store.publish(key, entry);
  }
}
BENCHMARK(publish)->Name("publish/sqlite")->UseRealTime();

void publish_limit(benchmark::State& state) {
  const auto& entries = files().entries;
  static const Bare bare("publish_limit.db", statements.publish.text, SQLITE_OPEN_READWRITE);
  std::size_t at = 0;
  for (auto _ : state) {
    const auto& [key, entry] = entries[at++ % entries.size()];
    bare.bind(1, key.repo_alias);
    bare.bind(2, key.page_path);
    bare.bind(3, entry->value.rendered_html);
    bare.bind(4, entry->value.metadata.text);
    bare.bind(5, entry->fingerprint.text());
    const int code = sqlite3_step(bare.statement);
    sqlite3_reset(bare.statement);
    if (code != SQLITE_DONE) return state.SkipWithError("a page is not stored");
  }
}
BENCHMARK(publish_limit)->Name("publish/sqlite/limit")->UseRealTime();

}  // namespace

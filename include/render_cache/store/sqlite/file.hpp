// The database file through its lives: opened, lost, damaged, begun anew; and who may read and write it now.
#pragma once

#include <render_cache/entry/deadline.hpp>
#include <render_cache/store/lookup_limit.hpp>
#include <render_cache/store/sqlite/database.hpp>
#include <render_cache/store/sqlite/fork_guard.hpp>
#include <render_cache/store/sqlite/standing_read.hpp>
#include <render_cache/store/sqlite/turn.hpp>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace render_cache::detail {

/// Thread-safe. Damage that an action meets (SqliteCorrupt) is healed: the file is moved aside, a new one is begun, and the
/// action runs once more on that. What the constructor, `read` and `write` throw beyond the action's own errors is StoreError.
class SqliteFile {
  using Clock = std::chrono::steady_clock;
  using Database = SqliteDatabase;

 public:
  using Reader = SqliteReader;
  using Writing = Database::Writing;

  SqliteFile(Table table, SqliteOptions options)
      : table_{std::move(table)}, options_(std::move(options)), lookup_limit_(options_.lookup_timeout, options_.busy_timeout) {
    options_.path = canonical_place(options_.path);
    options_.readers = std::clamp<std::size_t>(options_.readers, 1, 10'000);
    idle_.reserve(options_.readers);
    open(Clock::now(), options_.busy_timeout);
    if (options_.read_only) return;  // without locks
    standing_read_ = std::make_unique<SqliteStandingRead>([this] { return spare_reader(); },
                                                          [this](const Reader& reader) { return is_in_use(reader); });
  }
  SqliteFile(const SqliteFile&) = delete;
  SqliteFile& operator=(const SqliteFile&) = delete;
  [[gnu::cold]] ~SqliteFile() {
    if (!fork_guard_.in_child()) return;
    // SQLite must not even be closed in a child of fork(): it would touch the parent's locks and log.
    new (std::nothrow) std::shared_ptr<Database>(std::move(database_));
    for (auto& reader : idle_) static_cast<void>(reader.release());
    new (std::nothrow) std::shared_ptr<Database>(std::move(lost_));
    static_cast<void>(freed_.release());  // threads that are not there may wait for it
    static_cast<void>(standing_read_.release());  // nor is its thread there
  }

  /// `action(Reader&)`, with a reader of its own: the one that was used last.
  template <class Action>
  auto read(Action action) {
    return read_within(options_.busy_timeout, action);
  }
  /// The same within `lookup_timeout`, or what an entry has cost to render.
  template <class Action>
  auto look_up(Action action) {
    return read_within(lookup_limit_.get(), action);
  }
  /// What an entry that was found or stored has taken to render.
  void note_render_cost(std::optional<std::chrono::nanoseconds> cost) noexcept { lookup_limit_.note(cost); }

  /// `action(Writing&)`, as the only writer among all threads and processes. Looks first whether the file is still there.
  template <class Action>
  auto write(Action action) {
    for (bool again = false;; again = true) {
      auto database = current();
      try {
        return database->write(action);
      } catch (const SqliteCorrupt&) {
        if (again) throw;
      }
      discard(std::move(database), lookup_limit_.get());
    }
  }

  /// `action(Writing&, const SqliteTurn&)` again and again until it returns false, each time as the writer, and with pauses in which
  /// others write, also between two such calls with the same `not_before`. An action ends soon after its turn is over.
  template <class Action>
  void write_in_turns(Clock::time_point& not_before, Action action) {
    bool more = true;
    while (more) {
      std::this_thread::sleep_until(not_before);
      const auto pause = write([&](Writing& writing) {
        const SqliteTurn turn;
        more = action(writing, turn);
        return turn.pause();
      });
      not_before = Clock::now() + pause;
    }
  }

  [[nodiscard]] const Table& table() const noexcept { return table_; }

  [[nodiscard]] SqliteStats stats() const {
    refuse_child();
    const std::lock_guard lock(mutex_);
    return stats_;
  }

 private:
  struct Lease {
    Lease(SqliteFile& file, std::chrono::milliseconds patience) : owner(file), reader(file.take(patience)) {}
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease() { owner.give_back(std::move(reader), answered); }
    SqliteFile& owner;
    std::unique_ptr<Reader> reader;
    bool answered = false;
  };

  template <class Action>
  auto read_within(std::chrono::milliseconds patience, Action& action) {
    for (bool again = false;; again = true) {
      std::shared_ptr<Database> damaged;
      {
        Lease lease(*this, patience);
        try {
          auto answer = action(*lease.reader);
          lease.answered = true;
          return answer;
        } catch (const SqliteCorrupt&) {
          if (again) throw;
          damaged = lease.reader->database;
        }
      }
      discard(std::move(damaged), patience);
    }
  }

  // What stands below takes the mutex; what is closed is closed after the mutex is free again.
  using Closed = std::pair<std::shared_ptr<Database>, std::vector<std::unique_ptr<Reader>>>;

  std::shared_ptr<Database> current() {
    refuse_child();
    if (options_.read_only) throw StoreForbidden("SQLite, '" + options_.path.string() + "': it is only read (read_only)");
    Closed closed;
    const std::lock_guard lock(mutex_);
    if (const auto now = Clock::now(); !database_ || now >= next_look_ || database_->deleted()) {
      look(now, lookup_limit_.get(), closed);  // look-ups wait meanwhile
    }
    ++stats_.writes;
    return database_;
  }

  std::unique_ptr<Reader> take(std::chrono::milliseconds patience) {
    refuse_child();
    const auto end = from_now(patience);
    std::optional<std::uint64_t> answered;  // by readers of this file, when this one was asked for
    int replaced = 0;
    for (;;) {
      const auto now = Clock::now();
      const auto left = [&] { return std::chrono::duration_cast<std::chrono::milliseconds>(end - now); };
      Closed closed;
      std::unique_lock lock(mutex_);
      if (!database_ || now >= next_look_) look(now, left(), closed);
      if (!answered) {
        answered = answered_;
        ++stats_.reads;
      }
      if (!idle_.empty()) {
        auto reader = std::move(idle_.back());
        idle_.pop_back();
        reader->connection.set_busy_timeout(left());
        if (standing_read_) standing_read_->note();
        return reader;
      }
      const bool has_room = open_ < options_.readers;
      if (has_room) {
        const auto database = database_;
        if (auto turn = database->try_turn(); !turn || *turn) {
          ++open_;
          lock.unlock();
          if (auto reader = open_reader(database, turn, left())) return reader;
          if (++replaced < 3) continue;
          throw StoreUnavailable("SQLite, '" + options_.path.string() +
                                 "': the file was replaced again and again while it was opened");
        }
      }
      if (now >= end) {
        throw_not_in_time(
            answered_ != answered,
            "SQLite: all " + std::to_string(open_) + " readers were busy for " + std::to_string(patience.count()) + " ms" +
                (has_room ? ", and none can be opened while another process writes" : "; raise SqliteOptions::readers"));
      }
      freed_->wait_until(lock, has_room ? std::min(end, now + SqliteFileLock::longest_pause) : end);
    }
  }

  /// Ends the turn, and takes the mutex. Null where the file is not what it was: look again.
  [[gnu::cold]] std::unique_ptr<Reader> open_reader(const std::shared_ptr<Database>& database,
                                                    std::optional<SqliteWriter::Turn>& turn, std::chrono::milliseconds patience) {
    std::unique_ptr<Reader> reader;
    std::exception_ptr failure;
    bool damaged = false;
    try {
      reader = make_reader(database, patience);
    } catch (const SqliteCorrupt&) {
      damaged = true;
    } catch (...) {
      failure = std::current_exception();
    }
    turn.reset();
    if (reader) return reader;
    {
      const std::lock_guard lock(mutex_);
      --open_;
      next_look_ = {};
    }
    freed_->notify_one();
    if (failure) std::rethrow_exception(failure);
    if (damaged) discard(database, patience);
    return nullptr;
  }

  /// In a turn: SQLite opens a file and its log by their names, at two moments; in between nobody may replace them, or the one would
  /// be read with the other's. Null where that has happened.
  std::unique_ptr<Reader> make_reader(const std::shared_ptr<Database>& database, std::chrono::milliseconds patience) const {
    const auto path = options_.path.string();
    if (!database->in_place(path)) return nullptr;
    auto reader = std::make_unique<Reader>(table_, options_, database, patience);
    return database->in_place(path) ? std::move(reader) : nullptr;  // where it is only read there is no turn
  }

  // For the standing read: of the readers' number it is none.
  std::unique_ptr<Reader> spare_reader() {
    std::shared_ptr<Database> database;
    {
      const std::lock_guard lock(mutex_);
      database = database_;
    }
    if (!database) return nullptr;
    const auto turn = database->try_turn();
    return turn && *turn ? make_reader(database, std::chrono::milliseconds::zero()) : nullptr;
  }
  bool is_in_use(const Reader& reader) const {
    const std::lock_guard lock(mutex_);
    return reader.database == database_;
  }

  void give_back(std::unique_ptr<Reader> reader, bool answered) noexcept {
    {
      const std::lock_guard lock(mutex_);
      answered_ += answered ? 1 : 0;
      if (reader->database == database_) {
        idle_.push_back(std::move(reader));  // room is reserved
      } else {
        --open_;
      }
    }
    freed_->notify_one();
  }

  void refuse_child() const {
    if (fork_guard_.in_child()) throw StoreError("a SqliteStore may not be used after fork(): make a new one in the child");
  }

  // --- With the mutex held ---

  [[gnu::cold]] void look(Clock::time_point now, std::chrono::milliseconds patience, Closed& closed) {
    next_look_ = now + sqlite_recheck_interval;
    if (database_ && !database_->in_place(options_.path.string())) {
      lost_ = database_;
      close(closed);
      ++stats_.reopened;
    }
    if (database_) return;
    open(now, patience, lost_ ? lost_->files() : SqliteFiles{});
    if (lost_) closed.first = std::exchange(lost_, nullptr);
    freed_->notify_all();
  }

  void close(Closed& closed) {
    open_ -= idle_.size();
    closed.second = std::exchange(idle_, {});
    closed.first = std::exchange(database_, nullptr);
    idle_.reserve(options_.readers);
  }

  [[gnu::cold]] void open(Clock::time_point now, std::chrono::milliseconds patience, const SqliteFiles& lost = {}) {
    if (now < next_try_) throw StoreUnavailable(why_not_ + " (tried a moment ago)");
    try {
      const auto there = identity_of(options_.path.string());
      try {
        begin(lost, patience);
      } catch (const SqliteCorrupt&) {
        move_aside(there, patience);
        begin({}, patience);
      }
    } catch (const std::exception& error) {
      next_try_ = Clock::now() + sqlite_recheck_interval;
      why_not_ = error.what();
      throw;
    }
  }

  /// With a first reader, so that reading does not wait for another process's write.
  void begin(const SqliteFiles& lost, std::chrono::milliseconds patience) {
    auto database = std::make_shared<Database>(table_, options_, lost, patience);
    std::unique_ptr<Reader> reader;
    try {
      const auto turn = database->turn(patience);
      reader = make_reader(database, patience);
    } catch (...) {
      database->close_at_once();
      throw;
    }
    database_ = std::move(database);
    if (!reader) return;
    idle_.push_back(std::move(reader));
    ++open_;
  }

  /// Unless another process has done it.
  void move_aside(const FileIdentity& damaged, std::chrono::milliseconds patience) {
    const auto path = options_.path.string();
    if (options_.read_only) throw StoreUnavailable("'" + path + "' is damaged: put a whole one in its place");
    if (!options_.disposable) {
      throw StoreUnavailable("'" + path +
                             "' is damaged and holds more than a cache (SqliteOptions::disposable): restore it from a copy");
    }
    SqliteFileLock lock(path + "-lock");  // freed with the object
    lock.lock(patience);
    if (identity_of(path) != damaged) return;
    set_aside(path);
    ++stats_.corrupt;
  }

  /// Takes the mutex. Another thread may have done it. Whoever reads or writes next begins a new one.
  [[gnu::cold]] void discard(std::shared_ptr<Database> damaged, std::chrono::milliseconds patience) {
    Closed closed;
    const std::lock_guard lock(mutex_);
    if (database_ != damaged) return;
    damaged->close_at_once();
    close(closed);
    move_aside(damaged->files().database, patience);
  }

  const Table table_;
  SqliteOptions options_;
  ForkGuard fork_guard_;
  LookupLimit lookup_limit_;

  mutable std::mutex mutex_;  // guards all that follows
  std::unique_ptr<std::condition_variable> freed_ = std::make_unique<std::condition_variable>();
  std::shared_ptr<Database> database_;
  std::shared_ptr<Database> lost_;  // open until there is a new one: only so its log is known from another's
  std::vector<std::unique_ptr<Reader>> idle_;
  std::size_t open_ = 0;  // readers, idle and busy
  std::uint64_t answered_ = 0;  // calls of theirs that did not fail
  Clock::time_point next_look_{}, next_try_{};
  std::string why_not_;
  SqliteStats stats_;

  std::unique_ptr<SqliteStandingRead> standing_read_;  // last: its thread uses all the rest
};

}  // namespace render_cache::detail

// A prepared statement that lives as long as its connection, and how each type of the schema goes in and comes out.
#pragma once

#include <render_cache/sql/text_form.hpp>
#include <render_cache/store/sqlite/connection.hpp>

#include <sqlite3.h>

#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace render_cache {

class SqliteStatement {
 public:
  SqliteStatement(SqliteConnection& connection, std::string_view sql) : connection_(&connection), sql_(sql) {
    sqlite3_stmt* prepared = nullptr;
    connection.check(sqlite3_prepare_v3(connection.handle(), sql_.data(), static_cast<int>(sql_.size()),
                                        SQLITE_PREPARE_PERSISTENT, &prepared, nullptr),
                     sql_);
    handle_.reset(prepared);
  }

  /// One execution. It ends with the object: an open read would keep the write-ahead log from being reset.
  class Run {
   public:
    explicit Run(SqliteStatement& statement) noexcept : statement_(statement) {}
    Run(const Run&) = delete;
    Run& operator=(const Run&) = delete;
    ~Run() { sqlite3_reset(handle()); }

    /// Binds the next parameter. A text must live as long as the Run: it is not copied.
    template <class T>
    Run& bind(const T& value) {
      const int at = ++bound_;
      if constexpr (std::convertible_to<const T&, std::string_view>) {
        const std::string_view text = value;
        check(sqlite3_bind_text64(handle(), at, text.data() == nullptr ? "" : text.data(), text.size(), SQLITE_STATIC,
                                  SQLITE_UTF8));
      } else if constexpr (std::same_as<T, Json>) {
        --bound_;
        bind(value.text);
      } else if constexpr (std::integral<T>) {
        check(sqlite3_bind_int64(handle(), at, static_cast<sqlite3_int64>(value)));
      } else if constexpr (std::same_as<T, double>) {
        if (std::isnan(value)) throw InvalidValue("a NaN: SQLite has none and would store NULL");
        check(sqlite3_bind_double(handle(), at, value));
      } else if constexpr (std::same_as<T, Uuid> || std::same_as<T, Timestamp>) {
        const auto text = to_text(value);
        check(sqlite3_bind_text64(handle(), at, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
      } else if (value.has_value()) {
        --bound_;
        bind(*value);
      } else {
        check(sqlite3_bind_null(handle(), at));
      }
      return *this;
    }

    /// Binds each member of a key or value in turn.
    template <Described T>
    Run& bind_members(const T& object) {
      for_each_member(object, [&](const char*, const auto& member) { bind(member); });
      return *this;
    }

    /// Whether there is a row.
    bool step() {
      const int code = sqlite3_step(handle());
      if (code == SQLITE_ROW) return true;
      if (code != SQLITE_DONE) statement_.connection_->fail(code, statement_.sql_);
      return false;
    }

    /// Reads a column into a member of the schema; says what is wrong with it, or nothing.
    template <class T>
    [[nodiscard]] std::string_view read(int column, T& member) {
      const int type = sqlite3_column_type(handle(), column);
      if constexpr (detail::Optional<T>::value) {
        if (type == SQLITE_NULL) {
          member.reset();
          return {};
        }
        return read(column, member.emplace());
      } else if (type == SQLITE_NULL) {
        return "is NULL";
      } else if constexpr (std::same_as<T, Json>) {
        return read(column, member.text);
      } else if constexpr (std::integral<T>) {
        if (type != SQLITE_INTEGER) return "is no integer";
        const std::int64_t number = sqlite3_column_int64(handle(), column);
        if constexpr (std::same_as<T, bool>) {
          if (number != 0 && number != 1) return "is neither 0 nor 1";
        } else if (!std::in_range<T>(number)) {
          return "is out of its member's range";
        }
        member = static_cast<T>(number);
        return {};
      } else if constexpr (std::same_as<T, double>) {
        if (type != SQLITE_FLOAT && type != SQLITE_INTEGER) return "is no number";
        member = sqlite3_column_double(handle(), column);
        return {};
      } else {
        if (type != SQLITE_TEXT) return "is no text";
        const auto text = column_text(column);
        if constexpr (std::same_as<T, std::string>) {
          member = text;
        } else {
          const auto value = from_text<T>(text);
          if (!value) return std::same_as<T, Uuid> ? "is no UUID" : "is no timestamp";
          member = *value;
        }
        return {};
      }
    }

    [[nodiscard]] bool is_null(int column) noexcept { return sqlite3_column_type(handle(), column) == SQLITE_NULL; }
    [[nodiscard]] std::int64_t column_integer(int column) noexcept { return sqlite3_column_int64(handle(), column); }
    /// Valid until the next step.
    [[nodiscard]] std::string_view column_text(int column) {
      const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(handle(), column));
      if (text == nullptr) {
        if (sqlite3_errcode(sqlite3_db_handle(handle())) == SQLITE_NOMEM) throw std::bad_alloc();  // not an empty text
        return {};
      }
      return {text, static_cast<std::size_t>(sqlite3_column_bytes(handle(), column))};
    }

   private:
    [[nodiscard]] sqlite3_stmt* handle() const noexcept { return statement_.handle_.get(); }
    void check(int code) const { statement_.connection_->check(code, statement_.sql_); }

    SqliteStatement& statement_;
    int bound_ = 0;
  };

  [[nodiscard]] Run run() noexcept { return Run(*this); }
  /// How many rows the last execution on the connection has changed.
  [[nodiscard]] std::size_t changes() const noexcept { return static_cast<std::size_t>(sqlite3_changes(connection_->handle())); }

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* handle) const noexcept { sqlite3_finalize(handle); }
  };
  SqliteConnection* connection_;
  std::string_view sql_;
  std::unique_ptr<sqlite3_stmt, Finalize> handle_;
};

}  // namespace render_cache

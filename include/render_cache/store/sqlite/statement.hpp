// A prepared statement that lives as long as its connection, and how each type of the schema goes in and comes out.
#pragma once

#include <render_cache/entry/keys.hpp>
#include <render_cache/entry/member_types.hpp>
#include <render_cache/sql/row.hpp>
#include <render_cache/store/sqlite/connection.hpp>

#include <sqlite3.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace render_cache {

class SqliteStatement {
 public:
  SqliteStatement(SqliteConnection& connection, std::string sql) : connection_(&connection), sql_(std::move(sql)) {
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
    Run& bind(std::string_view text) { return bind(Field::refer(text)); }
    Run& bind(std::size_t number) { return bind(Field(number)); }
    /// A text that the field refers to must live as long as the Run.
    Run& bind(const Field& field) {
      const int at = ++bound_;
      const auto text = field.text();
      const auto lifetime = field.owns_text() ? SQLITE_TRANSIENT : SQLITE_STATIC;
      switch (field.form()) {
        case Field::Form::null: check(sqlite3_bind_null(handle(), at)); break;
        case Field::Form::integer:
        case Field::Form::boolean: check(sqlite3_bind_int64(handle(), at, field.integer())); break;
        case Field::Form::real:
          if (std::isnan(field.real())) throw InvalidValue("a NaN: SQLite has none and would store NULL");
          check(sqlite3_bind_double(handle(), at, field.real()));
          break;
        case Field::Form::text: bind_text(at, text, lifetime); break;
        case Field::Form::bytes:  // a null pointer would be NULL
          check(sqlite3_bind_blob64(handle(), at, text.empty() ? "" : text.data(), text.size(), lifetime));
          break;
        case Field::Form::list: break;  // `bind_members` makes a text of it
      }
      return *this;
    }

    /// Binds each member of a key or value in turn.
    template <Described T>
    Run& bind_members(const T& object) {
      for_each_member(object, [&](const char*, const auto& member) { bind(to_column(member)); });
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
      Field field;
      constexpr ColumnType type = MemberTraits<typename detail::Optional<T>::content>::type;
      const auto wrong = read(column, type.list ? Kind::text : type.kind, field);
      if (!wrong.empty()) return wrong;
      if constexpr (type.list) {  // programs without lists do not compile what reads them
        auto list = field.is_null() ? std::optional(Field()) : detail::list_from_json<type>(field.text());
        return list ? detail::from_field(*list, member) : "is no list of such values";
      } else {
        return detail::from_field(field, member);
      }
    }

    /// The field refers to the row: valid until the next step.
    [[nodiscard]] std::string_view read(int column, Kind kind, Field& field) {
      const int type = sqlite3_column_type(handle(), column);
      if (type == SQLITE_NULL) return {};
      switch (kind) {
        case Kind::bytes: {
          if (type != SQLITE_BLOB) return "is no blob";
          const auto* bytes = static_cast<const char*>(sqlite3_column_blob(handle(), column));
          field = Field::refer({bytes, static_cast<std::size_t>(sqlite3_column_bytes(handle(), column))}, Field::Form::bytes);
          return {};
        }
        case Kind::integer:
        case Kind::boolean: {
          if (type != SQLITE_INTEGER) return "is no integer";
          const std::int64_t number = sqlite3_column_int64(handle(), column);
          if (kind == Kind::boolean && number != 0 && number != 1) return "is neither 0 nor 1";
          field = kind == Kind::boolean ? Field(number != 0) : Field(number);
          return {};
        }
        case Kind::real:
          if (type != SQLITE_FLOAT && type != SQLITE_INTEGER) return "is no number";
          field = Field(sqlite3_column_double(handle(), column));
          return {};
        case Kind::text:
        case Kind::uuid:
        case Kind::timestamp:
        case Kind::json:
        case Kind::date: break;
      }
      if (type != SQLITE_TEXT) return "is no text";
      field = Field::refer(column_text(column));
      return {};
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
    void bind_text(int at, std::string_view text, sqlite3_destructor_type lifetime) {
      check(sqlite3_bind_text64(handle(), at, text.data() == nullptr ? "" : text.data(), text.size(), lifetime, SQLITE_UTF8));
    }
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
  std::string sql_;
  std::unique_ptr<sqlite3_stmt, Finalize> handle_;
};

}  // namespace render_cache

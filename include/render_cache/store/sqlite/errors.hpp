// What a failure of SQLite means for the store: one mapping from result codes to the library's errors.
#pragma once

#include <render_cache/entry/error.hpp>

#include <sqlite3.h>

#include <string>
#include <string_view>

namespace render_cache {

/// The file is no database or is damaged. The store moves it aside and begins a new one.
struct SqliteCorrupt : StoreUnavailable {
  using StoreUnavailable::StoreUnavailable;
};

namespace detail {

/// Throws what a result code means (https://sqlite.org/rescode.html); `about` names the file or statement.
[[noreturn, gnu::cold]] inline void throw_sqlite_error(int code, std::string_view text, std::string_view about) {
  const std::string message = "SQLite, " + std::string(about) + ": " + std::string(text) + " (code " + std::to_string(code) + ")";
  switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: throw SqliteCorrupt(message);
    case SQLITE_FULL:
    case SQLITE_TOOBIG: throw StoreFull(message);
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH: throw InvalidValue(message);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_NOMEM:
    case SQLITE_PROTOCOL:
    case SQLITE_NOLFS: throw StoreUnavailable(message);
    default: throw StoreError(message);
  }
}

}  // namespace detail
}  // namespace render_cache

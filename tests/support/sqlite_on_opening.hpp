// A step of a test's in each connection to SQLite that is opened.
#pragma once

#include <sqlite3.h>

#include <functional>
#include <utility>

namespace render_cache::test {

/// While it lives, `action` runs when a connection is opened, which fails where that returns false. One at a time in the program.
class OnOpening {
 public:
  explicit OnOpening(std::function<bool(sqlite3*)> action) : action_(std::move(action)) {
    current = this;
    sqlite3_auto_extension(reinterpret_cast<void (*)()>(&call));
  }
  OnOpening(const OnOpening&) = delete;
  OnOpening& operator=(const OnOpening&) = delete;
  ~OnOpening() {
    sqlite3_cancel_auto_extension(reinterpret_cast<void (*)()>(&call));
    current = nullptr;
  }

 private:
  static int call(sqlite3* connection, const char**, const void*) {
    return current->action_(connection) ? SQLITE_OK : SQLITE_ERROR;
  }
  static inline OnOpening* current = nullptr;
  std::function<bool(sqlite3*)> action_;
};

}  // namespace render_cache::test

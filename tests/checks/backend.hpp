// The database under the tests: on_sqlite/ and on_postgres/ each have one, and the same test cases are linked with either.
#pragma once

#include "checks.hpp"

#include <memory>
#include <string>

namespace repo_checks::test {

/// An empty database, for one test.
class Backend {
 public:
  Backend();
  ~Backend();
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;

  /// As often as wanted: each is a program of its own on the same tables.
  [[nodiscard]] std::unique_ptr<Checks> open(ChecksOptions options = {}) const;

  /// Statements from outside of all programs, without the tables' own checks where the database lets one go without.
  void execute(const std::string& sql) const;
  /// The first field of the first row, "NULL" for none.
  [[nodiscard]] std::string value(const std::string& sql) const;
  /// Lets a column hold NULL, as a table might that somebody has changed by hand.
  void drop_not_null(const std::string& table, const std::string& column) const;
  /// What `--store` takes.
  [[nodiscard]] std::string store() const;

 private:
  struct Place;
  std::unique_ptr<Place> place_;
};

}  // namespace repo_checks::test

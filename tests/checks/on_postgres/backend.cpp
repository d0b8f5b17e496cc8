#include "checks/backend.hpp"

#include "support/database.hpp"

namespace repo_checks::test {

struct Backend::Place {
  render_cache::test::TestDatabase database;
};

Backend::Backend() : place_(std::make_unique<Place>()) {}
Backend::~Backend() = default;

std::unique_ptr<Checks> Backend::open(ChecksOptions options) const { return open_checks(store(), std::move(options)); }
std::string Backend::store() const { return "postgres:" + place_->database.conninfo(); }
void Backend::execute(const std::string& sql) const { place_->database.execute(sql); }
std::string Backend::value(const std::string& sql) const { return place_->database.value(sql); }
void Backend::drop_not_null(const std::string& table, const std::string& column) const {
  place_->database.execute("ALTER TABLE " + table + " ALTER COLUMN " + column + " DROP NOT NULL");
}

}  // namespace repo_checks::test

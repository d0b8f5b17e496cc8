// What is built in is what the files hold, in the order of the versions.
#include <my_project/migrations.hpp>
#include <render_cache/sql/dialect/postgres.hpp>
#include <render_cache/sql/dialect/sqlite.hpp>

#include <iostream>

int main(int argc, char** argv) {
  using namespace render_cache;
  const auto built_in = my_project::migrations<SqliteDialect>();
  const auto files = load_migrations(argc == 2 ? argv[1] : "");
  bool same = built_in.size() == files.size() && my_project::migrations<PostgresDialect>().empty();
  for (std::size_t at = 0; same && at < files.size(); ++at) {
    std::cout << files[at].version << ' ' << files[at].name << '\n';
    same = built_in[at].version == files[at].version && built_in[at].name == files[at].name && built_in[at].up == files[at].up &&
           built_in[at].down == files[at].down;
  }
  return same ? 0 : 1;
}

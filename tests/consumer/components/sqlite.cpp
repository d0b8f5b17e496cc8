#include <render_cache/store/sqlite.hpp>

int main() {
  const render_cache::SqliteConnection connection(":memory:", render_cache::SqliteConnection::Access::write,
                                                  std::chrono::seconds(1));
  return connection.handle() == nullptr ? 1 : 0;
}

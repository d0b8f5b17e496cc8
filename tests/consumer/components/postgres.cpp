#include <render_cache/store/postgres.hpp>

#include <iostream>

int main() {
  render_cache::PostgresOptions options;
  options.conninfo = "host=/nowhere";
  try {
    const render_cache::PostgresConnection connection(options);
  } catch (const render_cache::StoreUnavailable& error) {
    std::cout << error.what() << '\n';
    return 0;
  }
  return 1;
}

// Stands outside the project and knows only what an installed render_cache gives.
#include <render_cache/version.hpp>

#include <sqlite3.h>

#include <iostream>

int main() { std::cout << "render_cache " << render_cache::version() << ", SQLite " << sqlite3_libversion() << '\n'; }

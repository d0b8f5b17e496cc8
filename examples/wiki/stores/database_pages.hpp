// Pages in a database, with memory in front of it.
#pragma once

#include "pages_on.hpp"

#include <render_cache/store/memory.hpp>
#include <render_cache/store/tiered.hpp>

#include <utility>

namespace wiki {

/// The two stores, made before the cache that uses them.
template <class Database>
struct Tiers {
  using Memory = render_cache::MemoryStore<render_cache::WikiSchema>;

  template <class DatabaseOptions>
  Tiers(std::size_t bytes, DatabaseOptions options)
      : memory({.capacity = bytes}), database(std::move(options)), both(memory, database) {}

  Memory memory;
  Database database;
  render_cache::TieredStore<Memory, Database> both;
};

template <class Database>
class DatabasePages : protected Tiers<Database>,
                      public PagesOn<render_cache::TieredStore<render_cache::MemoryStore<render_cache::WikiSchema>, Database>> {
 public:
  template <class DatabaseOptions>
  DatabasePages(const PagesOptions& options, DatabaseOptions database_options)
      : Tiers<Database>(options.memory, std::move(database_options)),
        PagesOn<render_cache::TieredStore<render_cache::MemoryStore<render_cache::WikiSchema>, Database>>(this->both, options) {}
};

}  // namespace wiki

// Pages in a database, with memory in front of it.
#pragma once

#include "pages_on.hpp"

#include <render_cache/store/tiered.hpp>

#include <utility>

namespace wiki {

/// The two stores, made before the cache that uses them.
template <class Database>
struct Tiers {
  template <class DatabaseOptions>
  Tiers(const PagesOptions& options, DatabaseOptions database_options)
      : memory({.capacity = options.memory}, page_metrics(options)), database(std::move(database_options)),
        both(memory, database) {}

  PageMemory memory;
  Database database;
  render_cache::TieredStore<PageMemory, Database> both;
};

template <class Database>
class DatabasePages : protected Tiers<Database>, public PagesOn<render_cache::TieredStore<PageMemory, Database>> {
 public:
  template <class DatabaseOptions>
  DatabasePages(const PagesOptions& options, DatabaseOptions database_options)
      : Tiers<Database>(options, std::move(database_options)),
        PagesOn<render_cache::TieredStore<PageMemory, Database>>(this->both, options) {}
};

}  // namespace wiki

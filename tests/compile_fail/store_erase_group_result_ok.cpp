#include <render_cache/cache.hpp>

#include "good_parts.hpp"

struct Store {
  using key_type = good::Key;
  using value_type = good::Value;
  render_cache::Lookup<value_type> lookup(const key_type&, const render_cache::Fingerprint&);
  void publish(const key_type&, render_cache::EntryPtr<value_type>);
  bool erase(const key_type&);
  std::size_t erase_group(const std::string&);
  render_cache::PruneReport prune(const render_cache::KeepPredicate<key_type>&, const render_cache::PruneOptions&);
};

void program(Store& store) { render_cache::RenderCache cache(good::Renderer{}, good::Hasher{}, store); }

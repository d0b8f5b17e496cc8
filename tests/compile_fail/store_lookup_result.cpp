// expect: `lookup` must return Lookup<value_type>
#include <render_cache/concepts/store.hpp>
#include <render_cache/wiki.hpp>

struct Almost {
  using key_type = render_cache::WikiKey;
  using value_type = render_cache::WikiPage;
  render_cache::EntryPtr<value_type> lookup(const key_type&, const render_cache::Fingerprint&);
  void publish(const key_type&, render_cache::EntryPtr<value_type>);
  bool erase(const key_type&);
  std::size_t erase_group(const std::string&);
  render_cache::PruneReport prune(const render_cache::KeepPredicate<key_type>&, const render_cache::PruneOptions&);
};
static_assert(render_cache::check_store<Almost>());

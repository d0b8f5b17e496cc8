// expect: `on_hit` of an observer must be `void on_hit(const Key&, const HitEvent&) const noexcept`
#include <render_cache/concepts/observer.hpp>

struct Almost {
  void on_hit(const auto& key, const render_cache::HitEvent& event) const;
};
static_assert(render_cache::check_observer<Almost, int>());

#include <render_cache/concepts/observer.hpp>

struct Almost {
  void on_hit(const auto& key, const render_cache::HitEvent& event) const noexcept;
};
static_assert(render_cache::check_observer<Almost, int>());

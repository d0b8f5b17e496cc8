// expect: `on_miss` of an observer must be `void on_miss(const Key&, const MissEvent&) const noexcept`
#include <render_cache/concepts/observer.hpp>

struct Almost {
  void on_miss(int key, const render_cache::HitEvent& event) const noexcept;
};
static_assert(render_cache::check_observer<Almost, int>());

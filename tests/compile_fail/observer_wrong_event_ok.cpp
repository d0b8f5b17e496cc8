#include <render_cache/concepts/observer.hpp>

struct Almost {
  void on_miss(int key, const render_cache::MissEvent& event) const noexcept;
};
static_assert(render_cache::check_observer<Almost, int>());

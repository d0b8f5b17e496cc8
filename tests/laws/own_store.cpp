#include "../examples/own_store.hpp"

#include <render_cache/laws/store_laws.hpp>

namespace own_store_laws {

namespace {

struct Own {
  static constexpr bool durable = false;
  OwnStore store{};
};

RENDER_CACHE_STORE_LAWS(Own)

}  // namespace

}  // namespace own_store_laws

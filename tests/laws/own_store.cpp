#include "../examples/own_store.hpp"

#include "laws/store_laws.hpp"

namespace {

struct Own {
  static constexpr bool durable = false;
  OwnStore store{};
};

RENDER_CACHE_STORE_LAWS(Own)

}  // namespace

// The installed laws, on a store that is not the library's.
#if __has_include(<catch2/catch_session.hpp>)
#include <catch2/catch_session.hpp>  // Catch2 3
#else
#define CATCH_CONFIG_RUNNER  // Catch2 2
#endif
#include "own_store.hpp"

#include <render_cache/laws/store_laws.hpp>

namespace {

struct MyModel {
  static constexpr bool durable = false;
  OwnStore store{};
};

RENDER_CACHE_STORE_LAWS(MyModel)

}  // namespace

int main(int argc, char** argv) { return Catch::Session().run(argc, argv); }

// Whether a class has a member of some name, whatever its type: to tell what is missing from what is there and does not fit.
#pragma once

#include <render_cache/requirements.hpp>

#include <type_traits>

namespace render_cache::detail {

// NamesRender<T>: whether a class has a member `render`, whatever it takes. It then has two together with this one, and the name alone
// is ambiguous.
#define RENDER_CACHE_DETAIL_NAMES(Names, member) \
  struct Has##Names {                            \
    int member;                                  \
  };                                             \
  template <class T>                             \
  struct With##Names : T, Has##Names {};         \
  template <class T>                             \
  concept Names = std::is_class_v<T> && !std::is_final_v<T> && !requires { &With##Names<T>::member; }

RENDER_CACHE_DETAIL_NAMES(NamesComponents, components);
RENDER_CACHE_DETAIL_NAMES(NamesDigest, digest);
RENDER_CACHE_DETAIL_NAMES(NamesLookup, lookup);
RENDER_CACHE_DETAIL_NAMES(NamesOnEvict, on_evict);
RENDER_CACHE_DETAIL_NAMES(NamesOnHit, on_hit);
RENDER_CACHE_DETAIL_NAMES(NamesOnMiss, on_miss);
RENDER_CACHE_DETAIL_NAMES(NamesOnPublish, on_publish);
RENDER_CACHE_DETAIL_NAMES(NamesOnRender, on_render);
RENDER_CACHE_DETAIL_NAMES(NamesOnStoreError, on_store_error);
RENDER_CACHE_DETAIL_NAMES(NamesRender, render);
RENDER_CACHE_DETAIL_NAMES(NamesVersion, version);

#undef RENDER_CACHE_DETAIL_NAMES

}  // namespace render_cache::detail

// What a renderer must do.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/entry/named_members.hpp>

#include <concepts>
#include <string_view>

namespace render_cache {

// A renderer makes the value of a key from its source. Const and callable from many threads at once.
//
//   Value render(const Key&, const Source&) const;
//       Depends on nothing but its arguments and what `version` names. May throw: every caller of the flight gets that error,
//       nothing is stored, and it is not tried again for a short while unless the fingerprint changes.
//   std::string_view version() const;
//       Changes whenever the output for some source could: it covers the options and the libraries underneath.
//
// With a FreezingHasher, Source is the frozen content.

/// Has `version`.
template <class R>
concept HasVersion = requires(const R& renderer) {
  { renderer.version() } -> std::convertible_to<std::string_view>;
};

/// Has `version`, and `render` for a key and a source.
template <class R, class Key, class Source, class Value>
concept Renderer = HasVersion<R> && requires(const R& renderer, const Key& key, const Source& source) {
  { renderer.render(key, source) } -> std::convertible_to<Value>;
};

/// Says in words what a type lacks to have a version. What it renders is known only when a cache is asked.
template <class R>
consteval bool check_version() {
  if constexpr (!HasVersion<R>) {
    if constexpr (requires(R& renderer) { std::string_view(renderer.version()); }) {
      RENDER_CACHE_MISTAKE("make `version` of the renderer const: `std::string_view version() const`");
    } else if constexpr (detail::NamesVersion<R>) {
      RENDER_CACHE_MISTAKE("`version` of the renderer must be a function that returns text: `std::string_view version() const`");
    } else {
      RENDER_CACHE_MISTAKE("give the renderer a version: add `std::string_view version() const`, which covers its options too");
    }
  }
  return true;
}

/// Says in words what a type lacks to be a Renderer.
template <class R, class Key, class Source, class Value>
consteval bool check_renderer() {
  if constexpr (!HasVersion<R>) {
    check_version<R>();
  } else if constexpr (!Renderer<R, Key, Source, Value>) {
    if constexpr (requires(const R& renderer, const Key& key, const Source& source) { renderer.render(key, source); }) {
      RENDER_CACHE_MISTAKE("`render` must return the value_type of the store, or what converts to it");
    } else if constexpr (requires(R& renderer, const Key& key, const Source& source) { renderer.render(key, source); }) {
      RENDER_CACHE_MISTAKE("make `render` const: it must be callable on a const renderer, from many threads at once");
    } else if constexpr (requires(const R& renderer, Key& key, Source& source) { renderer.render(key, source); }) {
      RENDER_CACHE_MISTAKE("`render` must take key and source as const references");
    } else if constexpr (detail::NamesRender<R>) {
      RENDER_CACHE_MISTAKE("`render` must take the key and the source of this cache (with a FileHasher: std::string, the text)");
    } else {
      RENDER_CACHE_MISTAKE("add `Value render(const Key&, const Source&) const` to the renderer");
    }
  }
  return true;
}

}  // namespace render_cache

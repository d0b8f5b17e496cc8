// What a renderer must do.
#pragma once

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

/// Says in words what a type lacks to be a Renderer.
template <class R, class Key, class Source, class Value>
consteval bool check_renderer() {
  static_assert(HasVersion<R>, "add `std::string_view version() const`: it covers the renderer's options too");
  static_assert(
      requires(const R& renderer, const Key& key, const Source& source) { renderer.render(key, source); },
      "add `Value render(const Key&, const Source&) const`: it must be callable on a const renderer");
  static_assert(Renderer<R, Key, Source, Value>, "`render` must return the store's value_type");
  return Renderer<R, Key, Source, Value>;
}

}  // namespace render_cache

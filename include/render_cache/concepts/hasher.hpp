// What a hasher must do.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/entry/fingerprint.hpp>
#include <render_cache/entry/named_members.hpp>

#include <concepts>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace render_cache {

// A hasher turns a source into the components of its fingerprint. Const and callable from many threads at once.
//
//   Fingerprint components(const Source&) const;
//       Equal sources give equal components; sources that render differently give different ones.
//       No process-local counter or clock may enter, since other processes and nodes must find the same.
//
// Stronger, optional, used where present:
//   FreezingHasher   `Frozen<Text> freeze(const Source&) const`: the source's content, held still, with the fingerprint of just
//                    that content. The renderer is given the frozen content, so what is stored was rendered from what was hashed.
//   LiveHasher       `static constexpr bool source_can_move = true`: the source can change while it is rendered and cannot be
//                    frozen, so it is sampled again after the render; what moved meanwhile is returned and not stored.
//   NearHasher       `std::optional<Fingerprint> components_near(const Source&) const`: as `components`, where that needs no wait for
//                    a disk or a network; else nothing
//   BatchHasher      `std::vector<Fingerprint> components_many(std::span<const Source* const>) const`: many sources at once; what it
//                    throws ends the whole batch

/// Has `components`.
template <class H, class Source>
concept Hasher = requires(const H& hasher, const Source& source) {
  { hasher.components(source) } -> std::same_as<Fingerprint>;
};

/// A source's content held still, and the fingerprint components of that very content.
template <class Content>
struct Frozen {
  Fingerprint components;  ///< of this content
  Content content;  ///< what the renderer is given
};

/// Has `freeze`, so that what is rendered is what was hashed.
template <class H, class Source>
concept FreezingHasher = Hasher<H, Source> && requires(const H& hasher, const Source& source) {
  { hasher.freeze(source).components } -> std::convertible_to<Fingerprint>;
  hasher.freeze(source).content;
};

/// Says with `source_can_move` that its source is sampled again after the render.
template <class H>
concept LiveHasher = requires { requires H::source_can_move; };

/// Has `components_near`, for threads that must not wait.
template <class H, class Source>
concept NearHasher = Hasher<H, Source> && requires(const H& hasher, const Source& source) {
  { hasher.components_near(source) } -> std::same_as<std::optional<Fingerprint>>;
};

/// Has `components_many`, which `get_many` then calls once.
template <class H, class Source>
concept BatchHasher = Hasher<H, Source> && requires(const H& hasher, std::span<const Source* const> sources) {
  { hasher.components_many(sources) } -> std::same_as<std::vector<Fingerprint>>;
};

/// Hashes texts: `std::string digest(std::string_view) const`, a text that carries its algorithm (`s2:9f86d0...`).
/// `FileHasher` is made of one.
template <class H>
concept TextHasher = Hasher<H, std::string> && requires(const H& hasher, std::string_view text) {
  { hasher.digest(text) } -> std::same_as<std::string>;
};

/// Says in words what a type lacks to be a Hasher of `Source`.
template <class H, class Source>
consteval bool check_hasher() {
  if constexpr (!Hasher<H, Source>) {
    if constexpr (requires(const H& hasher, const Source& source) { hasher.components(source); }) {
      RENDER_CACHE_MISTAKE("`components` of the hasher must return a render_cache::Fingerprint: Fingerprint().add(name, digest)");
    } else if constexpr (requires(H& hasher, const Source& source) { hasher.components(source); }) {
      RENDER_CACHE_MISTAKE(
          "make `components` of the hasher const: it must be callable on a const hasher, from many threads at once");
    } else if constexpr (requires(const H& hasher, Source& source) { hasher.components(source); }) {
      RENDER_CACHE_MISTAKE("`components` of the hasher must take the source as a const reference");
    } else if constexpr (detail::NamesComponents<H>) {
      RENDER_CACHE_MISTAKE("the hasher takes another type of source: pass that, or choose a hasher of this one");
    } else {
      RENDER_CACHE_MISTAKE("add `Fingerprint components(const Source&) const` to the hasher");
    }
  }
  return true;
}

/// Says in words what a type lacks to be a TextHasher.
template <class H>
consteval bool check_text_hasher() {
  if constexpr (!requires(const H& hasher, std::string_view text) {
                  { hasher.digest(text) } -> std::same_as<std::string>;
                }) {
    if constexpr (detail::NamesDigest<H>) {
      RENDER_CACHE_MISTAKE("`digest` of a text hasher must be `std::string digest(std::string_view) const`");
    } else {
      RENDER_CACHE_MISTAKE("a FileHasher is made of a text hasher: add `std::string digest(std::string_view) const` to it");
    }
  } else {
    check_hasher<H, std::string>();
  }
  return true;
}

}  // namespace render_cache

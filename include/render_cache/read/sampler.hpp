// What a source is now: the hasher's components and the renderer's version.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/concepts/hasher.hpp>
#include <render_cache/concepts/renderer.hpp>
#include <render_cache/read/thrown.hpp>

#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace render_cache::detail {

template <class Renderer, class Hasher>
class Sampler {
 public:
  Sampler(Renderer renderer, Hasher hasher) : renderer_(std::move(renderer)), hasher_(std::move(hasher)) {}

  [[nodiscard]] const Renderer& renderer() const noexcept { return renderer_; }
  [[nodiscard]] const Hasher& hasher() const noexcept { return hasher_; }

  template <class Source>
  [[nodiscard]] Fingerprint fingerprint(const Source& source) const {
    static_assert(check_hasher<Hasher, Source>());
    return with_renderer(hasher_.components(source));
  }

  template <class Source>
  [[nodiscard]] std::optional<Fingerprint> fingerprint_near(const Source& source) const {
    auto components = hasher_.components_near(source);
    if (components) components = with_renderer(std::move(*components));
    return components;
  }

  /// Of many sources at once, one each in their order; what the hasher throws ends the whole batch.
  template <class Source>
    requires BatchHasher<Hasher, Source>
  [[nodiscard]] std::vector<Fingerprint> fingerprints(std::span<const Source* const> sources) const {
    auto all = hasher_.components_many(sources);
    if (all.size() != sources.size()) {
      throw std::logic_error("the hasher's components_many answered " + std::to_string(all.size()) + " of " +
                             std::to_string(sources.size()) + " sources; it must answer each, in order");
    }
    for (auto& each : all) each = with_renderer(std::move(each));
    return all;
  }

  [[nodiscard]] Fingerprint with_renderer(Fingerprint components) const {
    return std::move(components.add("renderer", std::string_view(renderer_.version())));
  }

  /// Whether the source lives elsewhere and can be sampled again. One in the caller's own hands stays what it was.
  template <class Source>
  static constexpr bool lives_elsewhere = FreezingHasher<Hasher, Source> || LiveHasher<Hasher>;

  /// How the source has moved since it was sampled; empty if it has not, or if it cannot.
  template <class Source>
  [[nodiscard]] std::string movement([[maybe_unused]] const Source& source, [[maybe_unused]] const Fingerprint& before) const {
    if constexpr (lives_elsewhere<Source>) {
      try {
        const auto after = fingerprint(source);
        if (!(after == before)) return "the source moved while it was rendered: " + changed_components(before, after);
      } catch (...) {
        return "the source cannot be sampled any more: " + thrown_message();
      }
    }
    return {};
  }

 private:
  [[no_unique_address]] Renderer renderer_;
  [[no_unique_address]] Hasher hasher_;
};

}  // namespace render_cache::detail

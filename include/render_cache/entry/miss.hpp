// Why a read was no hit.
#pragma once

#include <render_cache/requirements.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace render_cache {

/// Why a read was no hit.
enum class Miss : std::uint8_t {
  none,          ///< it was one
  absent,        ///< nothing stored
  changed,       ///< another fingerprint is stored; the detail names the components that differ
  forced,        ///< the caller asked for a render
  unsettled,     ///< the source changed too recently for its fingerprint to be trusted
  unreadable,    ///< the stored row makes no sense; the detail says why
  damaged,       ///< the stored row is not what was stored, by its digest
  store_failed,  ///< the store could not be asked; the detail is its message
  unsampled,     ///< the source could not be sampled; the detail is the error's message
};
/// How many there are.
inline constexpr std::size_t miss_reasons = 9;

/// The reason's name, such as "changed".
constexpr std::string_view to_string(Miss miss) noexcept {
  constexpr std::string_view names[miss_reasons] = {"none",       "absent",  "changed",      "forced",   "unsettled",
                                                    "unreadable", "damaged", "store_failed", "unsampled"};
  return names[static_cast<std::size_t>(miss)];
}

}  // namespace render_cache

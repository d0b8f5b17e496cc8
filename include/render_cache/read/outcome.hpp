// What a read answers: the value and what happened on the way to it.
#pragma once

#include <render_cache/entry/entry.hpp>

#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace render_cache {

/// Why a read was no hit.
enum class Miss : std::uint8_t {
  none,          ///< it was one
  absent,        ///< nothing stored
  changed,       ///< another fingerprint is stored; the detail names the components that differ
  forced,        ///< the caller asked for a render
  unsettled,     ///< the source changed too recently for its fingerprint to be trusted
  unreadable,    ///< the stored row makes no sense; the detail says why
  store_failed,  ///< the store could not be asked; the detail is its message
};

constexpr std::string_view to_string(Miss miss) noexcept {
  constexpr std::string_view names[] = {"none", "absent", "changed", "forced", "unsettled", "unreadable", "store_failed"};
  return names[static_cast<std::size_t>(miss)];
}

constexpr std::string_view to_string(Origin origin) noexcept {
  constexpr std::string_view names[] = {"store", "near", "render", "flight", "stale"};
  return names[static_cast<std::size_t>(origin)];
}

/// A value, shared and immutable, and how it came about. Never without a value, but for `find`, whose outcome
/// converts to false on a miss.
template <class Value>
struct Outcome {
  EntryPtr<Value> entry{};
  Origin origin = Origin::store;
  Miss miss = Miss::none;
  /// Whether the store has the entry now. False after a render: the store failed, an erase came between, the
  /// source moved while it was rendered, or it was too new to trust.
  bool stored = true;
  std::string detail{};  ///< for `changed`: the components, such as "source,renderer"; else a message or nothing

  [[nodiscard]] bool hit() const noexcept { return miss == Miss::none; }
  explicit operator bool() const noexcept { return entry != nullptr; }
  const Value& operator*() const noexcept { return entry->value; }
  const Value* operator->() const noexcept { return &entry->value; }
  /// The value alone, sharing the entry's life.
  [[nodiscard]] std::shared_ptr<const Value> value() const noexcept { return {entry, &entry->value}; }
};

/// One answer of `get_many`: an outcome, or the error that this key alone met.
template <class Value>
class Answer {
 public:
  Answer(Outcome<Value> outcome) : content_(std::move(outcome)) {}
  Answer(std::exception_ptr error) : content_(std::move(error)) {}

  [[nodiscard]] bool has_value() const noexcept { return content_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }
  /// The outcome; throws the key's error where there is none.
  [[nodiscard]] const Outcome<Value>& outcome() const {
    if (const auto* error = std::get_if<std::exception_ptr>(&content_)) std::rethrow_exception(*error);
    return std::get<Outcome<Value>>(content_);
  }
  /// The error; null where there is none.
  [[nodiscard]] std::exception_ptr error() const noexcept {
    const auto* error = std::get_if<std::exception_ptr>(&content_);
    return error ? *error : nullptr;
  }

 private:
  std::variant<Outcome<Value>, std::exception_ptr> content_;
};

}  // namespace render_cache

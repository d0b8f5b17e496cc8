// What a read answers: the value and what happened on the way to it.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/entry/entry.hpp>
#include <render_cache/entry/miss.hpp>

#include <cstddef>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace render_cache {

/// The origin's name, such as "near".
constexpr std::string_view to_string(Origin origin) noexcept {
  constexpr std::string_view names[] = {"store", "near", "render", "flight", "stale"};
  return names[static_cast<std::size_t>(origin)];
}

/// A value, shared and immutable, and how it came about; it may outlive the cache and the store. Never without a value, but for
/// `find`, whose outcome converts to false on a miss.
template <class Value>
struct Outcome {
  EntryPtr<Value> entry{};  ///< the value, its fingerprint, when it was rendered and what that cost
  Origin origin = Origin::store;  ///< where the value came from
  Miss miss = Miss::none;  ///< why the store had no answer
  /// Whether the store has the entry now. False after a render: the store failed, an erase or another process came between, the
  /// source moved while it was rendered, or it was too new to trust.
  bool stored = true;
  std::string detail{};  ///< for `changed`: the components, such as "source,renderer"; else a message or nothing

  /// Whether the store had the value, verified.
  [[nodiscard]] bool hit() const noexcept { return miss == Miss::none; }
  /// Whether there is a value: false only for a miss of `find`.
  explicit operator bool() const noexcept { return entry != nullptr; }
  /// The value; undefined where there is none.
  const Value& operator*() const noexcept { return entry->value; }
  /// A member of the value; undefined where there is none.
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

  /// Whether there is an outcome, and no error.
  [[nodiscard]] bool has_value() const noexcept { return content_.index() == 0; }
  /// As `has_value`.
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

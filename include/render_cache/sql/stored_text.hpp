// The text in a table's fingerprint column: what must be equal, and after "||" what was noted when the entry was rendered.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/entry/error.hpp>
#include <render_cache/entry/fingerprint.hpp>
#include <render_cache/entry/text.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace render_cache {

/// The most bytes that the text in a fingerprint's column may have, notes included, in every engine alike: a check that watches some
/// hundreds of files names each.
inline constexpr std::size_t max_stored_text_bytes = 65'535;

/// Takes such a text apart, and refers to it:
///
///     source=s2:9f86d0...|renderer=markdown/3||cost=41us|row=x3:77ab02...
///
/// What stands before the first "||" is the text of the fingerprint, which holds none; after it come notes, joined by '|'. A release
/// that knows none of them has written the fingerprint alone. A note that is unknown here is another release's.
class StoredText {
 public:
  explicit StoredText(std::string_view stored) : fingerprint_(stored.substr(0, stored.find(separator))) {
    if (fingerprint_.size() == stored.size()) return;
    notes_ = stored.substr(fingerprint_.size() + separator.size());
    for (std::size_t at = 0; at <= notes_->size();) {
      const auto note = notes_->substr(at, notes_->find('|', at) - at);
      if (note.starts_with(cost_name)) cost_ = note.substr(cost_name.size());
      if (note.starts_with(row_name)) {
        row_ = note.substr(row_name.size());
        row_at_ = at;
      }
      at += note.size() + 1;
    }
  }

  /// The first part: what is compared.
  [[nodiscard]] std::string_view fingerprint() const noexcept { return fingerprint_; }
  /// Whether there is a second part.
  [[nodiscard]] bool has_notes() const noexcept { return notes_.has_value(); }
  /// The digest of the row; empty where it is missing.
  [[nodiscard]] std::string_view row() const noexcept { return row_; }
  /// The notes but for that digest: what it covers of them.
  [[nodiscard]] std::string covered() const {
    std::string all(notes_.value_or(""));
    if (row_.empty()) return all;
    const auto size = row_name.size() + row_.size();
    // With the '|' before it, or, where it is the first, the one behind it.
    return row_at_ > 0 ? all.erase(row_at_ - 1, size + 1) : all.erase(0, size + 1);
  }
  /// What the render took.
  [[nodiscard]] std::optional<std::chrono::nanoseconds> cost() const noexcept {
    constexpr std::int64_t longest =
        std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::nanoseconds::max()).count();
    if (!cost_.ends_with("us")) return {};
    const auto count = detail::parse_number<std::int64_t>(cost_.substr(0, cost_.size() - 2));
    if (!count || *count < 0 || *count > longest) return {};
    return std::chrono::microseconds(*count);
  }

  /// The notes of an entry that cost that much, without its row's digest: "cost=41us", or nothing.
  static std::string notes(std::optional<std::chrono::nanoseconds> cost) {
    if (!cost) return {};
    const auto count = std::max<std::int64_t>(std::chrono::duration_cast<std::chrono::microseconds>(*cost).count(), 0);
    return std::string(cost_name) + std::to_string(count) + "us";
  }
  /// The whole text. Throws InvalidValue for a fingerprint that would not be read back as it is. None does that whose components were
  /// added one by one; one that was taken from a text may.
  static std::string join(const Fingerprint& fingerprint, std::string_view notes, std::string_view row) {
    const std::string& first = fingerprint.text();
    if (first.find(separator) != first.npos || first.ends_with('|')) {
      throw InvalidValue("the fingerprint '" + first.substr(0, 200) +
                         "' holds \"||\" or ends in '|', after which a stored fingerprint has its notes");
    }
    std::string text;
    text.reserve(first.size() + separator.size() + notes.size() + 1 + row_name.size() + row.size());
    text.append(first).append(separator).append(notes).append(notes.empty() ? "" : "|").append(row_name).append(row);
    if (text.size() > max_stored_text_bytes) {
      throw InvalidValue("the fingerprint has " + std::to_string(text.size()) +
                         " bytes with its notes; the limit (max_stored_text_bytes) is " + std::to_string(max_stored_text_bytes) +
                         ": put a digest of a long component into it");
    }
    return text;
  }

 private:
  static constexpr std::string_view separator = "||", cost_name = "cost=", row_name = "row=";

  std::string_view fingerprint_, cost_, row_;
  std::optional<std::string_view> notes_;
  std::size_t row_at_ = 0;
};

}  // namespace render_cache

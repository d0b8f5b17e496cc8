// One text for a JSON document, however it was written: the one that PostgreSQL's jsonb gives back.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/entry/error.hpp>
#include <render_cache/entry/text_form.hpp>

#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace render_cache::detail {

/// A number with its sign, its digits and its scale as jsonb keeps them: 1.50e1 is 15.0, 1e2 is 100, -0 is 0. One of more than
/// `most` zeros that say its size alone keeps its exponent: a few bytes would have a form of many thousands.
inline void append_json_number(std::string& text, std::string_view number) {
  const bool negative = number.starts_with('-');
  if (negative) number.remove_prefix(1);
  const auto e = std::min(number.find_first_of("eE"), number.size());
  const auto point = std::min(number.find('.'), e);
  std::string digits(number.substr(0, point));
  if (point < e) digits += number.substr(point + 1, e - point - 1);
  auto exponent = number.substr(std::min(e + 1, number.size()));
  if (exponent.starts_with('+')) exponent.remove_prefix(1);
  const auto power = exponent.empty() ? std::optional<std::int32_t>(0) : parse_number<std::int32_t>(exponent);
  if (!power) {  // beyond what PostgreSQL takes
    text.append(negative ? "-" : "").append(number);
    return;
  }
  // The value is `digits` with `scale` of them behind the point, and without the zeros that only say how large it is.
  auto scale = static_cast<std::int64_t>(e - std::min(point + 1, e)) - *power;
  digits.erase(0, digits.find_first_not_of('0'));
  if (scale < 0 && digits.empty()) scale = 0;
  if (scale <= 0) {
    const auto significant = digits.find_last_not_of('0') + 1;
    scale -= static_cast<std::int64_t>(digits.size() - significant);
    digits.erase(significant);
  }
  if (negative && !digits.empty()) text += '-';
  constexpr std::int64_t most = 400;
  if (scale < -most || scale > static_cast<std::int64_t>(digits.size()) + most) {
    text.append(digits.empty() ? "0" : digits).append("e").append(std::to_string(-scale));
    return;
  }
  digits.append(static_cast<std::size_t>(std::max<std::int64_t>(-scale, 0)), '0');
  const auto behind = static_cast<std::size_t>(std::max<std::int64_t>(scale, 0));
  if (digits.size() <= behind) digits.insert(0, behind + 1 - digits.size(), '0');
  text.append(digits, 0, digits.size() - behind);
  if (behind > 0) text.append(".").append(digits, digits.size() - behind);
}

/// The document with a 0 in place of each number, and those: RapidJSON refuses one beyond a double's range, even where it is none as
/// jsonb writes it (0e400, or 400 digits with e-300).
inline std::string take_json_numbers(std::string_view json, std::vector<std::string_view>& numbers) {
  std::string rest;
  rest.reserve(json.size());
  std::size_t taken = 0;  // what is before that is in `rest`
  for (std::size_t at = 0; at < json.size();) {
    const char c = json[at];
    if (c == '"') {
      for (++at; at < json.size() && json[at] != '"';) at += json[at] == '\\' ? std::size_t{2} : std::size_t{1};
      ++at;
    } else if (c == '-' || (c >= '0' && c <= '9')) {
      const auto end = std::min(json.find_first_not_of("0123456789.eE+-", at), json.size());
      numbers.push_back(json.substr(at, end - at));
      rest.append(json, taken, at - taken) += '0';
      at = taken = end;
    } else {
      ++at;
    }
  }
  return rest.append(json, taken);
}

inline void append_json_text(std::string& text, std::string_view content) {
  constexpr std::string_view hex = "0123456789abcdef";
  text += '"';
  for (const char c : content) {
    switch (c) {
      case '"': text += "\\\""; break;
      case '\\': text += "\\\\"; break;
      case '\b': text += "\\b"; break;
      case '\f': text += "\\f"; break;
      case '\n': text += "\\n"; break;
      case '\r': text += "\\r"; break;
      case '\t': text += "\\t"; break;
      default:
        if (const auto byte = static_cast<unsigned char>(c); byte < 0x20) {
          text.append("\\u00") += {hex[byte >> 4], hex[byte & 15]};
        } else {
          text += c;
        }
    }
  }
  text += '"';
}

/// Writes what it is told of a document, the members of each object in jsonb's order. A template, as the function below is, so that
/// programs whose database keeps documents as they are compile none of it.
template <class Encoding>
class JsonFormHandler : public rapidjson::BaseReaderHandler<Encoding, JsonFormHandler<Encoding>> {
 public:
  static constexpr std::size_t max_depth = 1'000;  // a level is copied into the one around it

  std::vector<std::string_view> numbers;  // in their order: see `take_json_numbers`
  std::string document;
  bool too_deep = false;

  // NOLINTBEGIN(readability-identifier-naming): RapidJSON calls them by these names
  bool Null() { return add("null"); }
  bool Bool(bool truth) { return add(truth ? "true" : "false"); }
  bool RawNumber(const char*, rapidjson::SizeType, bool) {
    std::string number;
    append_json_number(number, numbers.at(next_number_++));
    return add(number);
  }
  bool String(const char* text, rapidjson::SizeType size, bool) {
    std::string string;
    append_json_text(string, {text, size});
    return add(string);
  }
  bool StartArray() { return open(); }
  bool EndArray(rapidjson::SizeType) { return close('[', ']'); }
  bool StartObject() { return open(); }
  bool Key(const char* text, rapidjson::SizeType size, bool) {
    open_.back().emplace_back(std::string(text, size), std::string());
    return true;
  }
  bool EndObject(rapidjson::SizeType) {
    auto& members = open_.back();
    const auto before = [](const Member& a, const Member& b) {
      return a.first.size() != b.first.size() ? a.first.size() < b.first.size() : a.first < b.first;
    };
    std::ranges::reverse(members);  // of one name the last counts, and unique() keeps the first
    std::ranges::stable_sort(members, before);
    const auto rest = std::ranges::unique(members, {}, &Member::first);
    members.erase(rest.begin(), rest.end());
    for (auto& [name, value] : members) {
      std::string member;
      append_json_text(member, name);
      value = member.append(": ").append(value);
    }
    return close('{', '}');
  }
  // NOLINTEND(readability-identifier-naming)

 private:
  using Member = std::pair<std::string, std::string>;  // an array's have no names

  bool add(std::string_view value) {
    if (open_.empty()) {
      document = value;
    } else if (auto& around = open_.back(); !around.empty() && around.back().second.empty()) {  // behind its key
      around.back().second = value;
    } else {
      around.emplace_back(std::string(), value);
    }
    return true;
  }
  bool open() {
    too_deep = open_.size() == max_depth;
    if (!too_deep) open_.emplace_back();
    return !too_deep;
  }
  bool close(char first, char last) {
    std::string text(1, first);
    for (const auto& member : open_.back()) text.append(text.size() > 1 ? ", " : "").append(member.second);
    open_.pop_back();
    return add(text += last);
  }

  std::vector<std::vector<Member>> open_;
  std::size_t next_number_ = 0;
};

/// Equal documents have one form, and what jsonb gives back is that already, but for a number of hundreds of zeros. Empty for what is
/// no JSON; how a number is written is left to the database. Throws InvalidValue for what is nested deeper than a thousand levels.
template <class Encoding = rapidjson::UTF8<>>
std::string json_form(std::string_view json) {
  using Handler = JsonFormHandler<Encoding>;
  Handler handler;
  const auto rest = take_json_numbers(json, handler.numbers);
  rapidjson::MemoryStream stream(rest.data(), rest.size());
  rapidjson::GenericReader<Encoding, Encoding> reader;
  reader.template Parse<rapidjson::kParseNumbersAsStringsFlag | rapidjson::kParseIterativeFlag>(stream, handler);
  if (handler.too_deep) {
    throw InvalidValue("a JSON document is nested deeper than " + std::to_string(Handler::max_depth) + " levels");
  }
  return reader.HasParseError() ? std::string() : std::move(handler.document);
}

}  // namespace render_cache::detail

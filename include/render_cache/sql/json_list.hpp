// A list as a JSON array: what SQLite keeps, and what PostgreSQL sends.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/entry/field.hpp>
#include <render_cache/entry/text.hpp>

#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace render_cache::detail {

/// `["a",null]`, `[1,-2]`, `[0.1,"inf"]`: numbers are numbers where JSON has them, all else is a text.
/// A template, as the one below is, so that programs without lists compile none of RapidJSON.
template <ColumnType type>
std::string json_text(const Field& list) {
  static_assert(type.list);
  rapidjson::StringBuffer json;
  rapidjson::Writer<rapidjson::StringBuffer> writer(json);
  writer.StartArray();
  for (const auto& element : list.elements()) {
    const auto text = text_of(element);
    switch (element.form()) {
      case Field::Form::null: writer.Null(); break;
      case Field::Form::integer:
      case Field::Form::boolean: writer.RawValue(text.data(), text.size(), rapidjson::kNumberType); break;
      case Field::Form::real:
        if (std::isfinite(element.real())) {
          writer.RawValue(text.data(), text.size(), rapidjson::kNumberType);
          break;
        }
        [[fallthrough]];
      default: writer.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
    }
  }
  writer.EndArray();
  return {json.GetString(), json.GetSize()};
}

/// Takes an array of scalars: each as a field of the type.
template <ColumnType type>
class JsonListHandler : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, JsonListHandler<type>> {
 public:
  std::vector<Field> elements;

  // NOLINTBEGIN(readability-identifier-naming): RapidJSON calls them by these names
  bool Null() {
    if (inside_) elements.emplace_back();
    return inside_;
  }
  bool Bool(bool truth) { return add(truth ? "true" : "false", false); }
  bool RawNumber(const char* text, rapidjson::SizeType size, bool) { return add({text, size}, false); }
  bool String(const char* text, rapidjson::SizeType size, bool) { return add({text, size}, true); }
  bool StartArray() { return !std::exchange(inside_, true); }
  bool EndArray(rapidjson::SizeType) { return true; }
  bool Default() { return false; }
  // NOLINTEND(readability-identifier-naming)

 private:
  bool add(std::string_view text, bool quoted) {
    if (!inside_ || find_invalid_text(text) != text.npos) return false;  // RapidJSON 1.1 reads halves of surrogate pairs
    auto field = field_from_text({type.kind, type.bytes}, text);
    if (!field || (!quoted && field->form() == Field::Form::text)) return false;
    elements.push_back(field->form() == Field::Form::text ? Field(std::string(text)) : std::move(*field));
    return true;
  }

  bool inside_ = false;
};

/// Reads what `json_text` or a database wrote; nothing for a text that is no array of such values.
template <ColumnType type>
std::optional<Field> list_from_json(std::string_view json) {
  static_assert(type.list);
  if (json.find('\0') != json.npos) return {};  // where RapidJSON takes a text to end
  rapidjson::MemoryStream stream(json.data(), json.size());
  JsonListHandler<type> handler;
  rapidjson::Reader reader;
  if (!reader.Parse<rapidjson::kParseNumbersAsStringsFlag>(stream, handler)) return {};
  return Field(std::move(handler.elements));
}

}  // namespace render_cache::detail

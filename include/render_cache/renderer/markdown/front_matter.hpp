// YAML front matter: the lines between `---` and `---` at the top of a page, as JSON.
#pragma once

#include <render_cache/entry/field.hpp>
#include <render_cache/entry/text.hpp>
#include <render_cache/requirements.hpp>

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>
#include <yaml-cpp/yaml.h>

#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

namespace render_cache::markdown {

/// What was found at the top of a page.
struct FrontMatter {
  std::string values = "{}";  ///< A JSON object; its keys are in order, and each is there once.
  std::string title;          ///< What `title` holds where that is a text; else "".
  std::size_t bytes = 0;      ///< How much of the page it takes; 0: there is none, the page starts at once.
  std::string error;          ///< Why what looked like front matter is none; it is then part of the page.
};

using JsonWriter = rapidjson::Writer<rapidjson::StringBuffer>;

/// Writes `text`, which is UTF-8, as a JSON string.
inline void write_text(JsonWriter& json, std::string_view text) {
  json.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
}

namespace detail {

// A plain scalar by YAML 1.2's core schema, in decimal; all else is text: null.
[[gnu::cold]] inline Field yaml_scalar(const YAML::Node& node) {
  const std::string& text = node.Scalar();
  if (node.Tag() != "?" || text.empty()) return {};
  if (text == "true" || text == "True" || text == "TRUE") return Field(true);
  if (text == "false" || text == "False" || text == "FALSE") return Field(false);
  const char* first = text.data() + (text.front() == '+' ? 1 : 0);
  const char* last = text.data() + text.size();
  const auto reads_all = [&](auto& number) {
    const auto [end, error] = std::from_chars(first, last, number);
    return error == std::errc{} && end == last;
  };
  if (std::int64_t integer{}; reads_all(integer)) return Field(integer);
  if (double number{}; reads_all(number) && std::isfinite(number)) return Field(number);
  return {};
}

// `left` counts the nodes that may still be written: aliases unfold, so few bytes can ask for many, or for themselves. Cold, for the
// parser takes far longer.
[[gnu::cold]] inline void write_yaml(JsonWriter& json, const YAML::Node& node, std::size_t& left, unsigned depth = 0) {
  constexpr unsigned max_depth = 32;
  const auto count = [&] {
    if (left == 0) throw std::length_error("the front matter has too many nodes (MarkdownOptions::max_front_matter_nodes)");
    --left;
  };
  if (depth > max_depth)
    throw std::length_error("the front matter is nested deeper than " + std::to_string(max_depth) + " levels");
  if (depth == 0) count();
  switch (node.Type()) {
    case YAML::NodeType::Scalar: {
      const auto value = yaml_scalar(node);
      switch (value.form()) {
        case Field::Form::boolean: json.Bool(value.boolean()); break;
        case Field::Form::integer: json.Int64(value.integer()); break;
        case Field::Form::real: json.Double(value.real()); break;
        default: write_text(json, valid_text(node.Scalar()));
      }
      break;
    }
    case YAML::NodeType::Sequence:
      json.StartArray();
      for (const auto& item : node) {
        count();
        write_yaml(json, item, left, depth + 1);
      }
      json.EndArray();
      break;
    case YAML::NodeType::Map: {
      std::map<std::string, YAML::Node> members;
      for (const auto& pair : node) {
        count();
        if (!pair.first.IsScalar()) throw std::invalid_argument("the front matter has a key that is not a scalar");
        members.insert_or_assign(valid_text(pair.first.Scalar()), pair.second);
      }
      json.StartObject();
      for (const auto& [key, value] : members) {
        write_text(json, key);
        write_yaml(json, value, left, depth + 1);
      }
      json.EndObject();
      break;
    }
    default: json.Null();
  }
}

}  // namespace detail

/// Reads the front matter of `page`. Never throws for what is written in it: broken YAML, more than `max_bytes` or
/// more than `max_nodes` are reported in `error`. Its texts are UTF-8 without NUL, so that each store holds them as they are:
/// what is not becomes U+FFFD. A `---` that begins no mapping is an ordinary line.
inline FrontMatter read_front_matter(std::string_view page, std::size_t max_bytes, std::size_t max_nodes) {
  FrontMatter found;
  const auto line_at = [&](std::size_t at) {
    auto line = page.substr(at, page.find('\n', at) - at);
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ' || line.back() == '\t')) line.remove_suffix(1);
    return line;
  };
  if (!page.starts_with("---") || line_at(0) != "---") return found;
  const auto begin = page.find('\n');
  for (auto end = begin; end != page.npos; end = page.find('\n', end + 1)) {
    if (end > max_bytes) {
      found.error = "the front matter is longer than " + std::to_string(max_bytes) +
                    " bytes (MarkdownOptions::max_front_matter_bytes), or its closing --- is missing";
      return found;
    }
    const auto line = line_at(end + 1);
    if (line != "---" && line != "...") continue;
    try {
      const auto node = YAML::Load(std::string(page.substr(begin + 1, end - begin)));
      if (!node.IsMap() && !node.IsNull()) return found;
      if (node.IsMap()) {
        rapidjson::StringBuffer text;
        JsonWriter json(text);
        detail::write_yaml(json, node, max_nodes);
        found.values.assign(text.GetString(), text.GetSize());
        for (const auto& pair : node) {
          if (pair.first.Scalar() != "title") continue;
          const bool is_text = pair.second.IsScalar() && detail::yaml_scalar(pair.second).is_null();
          found.title = is_text ? valid_text(pair.second.Scalar()) : "";  // the last one, as in the values
        }
      }
      const auto after = page.find('\n', end + 1);
      found.bytes = after == page.npos ? page.size() : after + 1;
    } catch (const std::exception& error) {
      found.error = valid_text(error.what());  // it may name half a character
    }
    return found;
  }
  return found;
}

}  // namespace render_cache::markdown

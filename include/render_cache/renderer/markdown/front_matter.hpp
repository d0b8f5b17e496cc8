// YAML front matter: the lines between `---` and `---` at the top of a page, as JSON.
#pragma once

#include <render_cache/entry/text.hpp>
#include <render_cache/requirements.hpp>

#include <yaml-cpp/yaml.h>
#include <nlohmann/json.hpp>

#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

namespace render_cache::markdown {

/// What was found at the top of a page.
struct FrontMatter {
  nlohmann::json values = nlohmann::json::object();
  std::size_t bytes = 0;  ///< How much of the page it takes; 0: there is none, the page starts at once.
  std::string error;      ///< Why what looked like front matter is none; it is then part of the page.
};

namespace detail {

// Plain scalars by YAML 1.2's core schema, in decimal; all else is text.
inline nlohmann::json yaml_scalar(const YAML::Node& node) {
  const std::string& text = node.Scalar();
  if (node.Tag() != "?" || text.empty()) return valid_text(text);
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  const char* first = text.data() + (text.front() == '+' ? 1 : 0);
  const char* last = text.data() + text.size();
  const auto reads_all = [&](auto& number) {
    const auto [end, error] = std::from_chars(first, last, number);
    return error == std::errc{} && end == last;
  };
  if (std::int64_t integer = 0; reads_all(integer)) return integer;
  if (double number = 0; reads_all(number) && std::isfinite(number)) return number;
  return valid_text(text);
}

// `left` counts the nodes that may still be made: aliases unfold, so few bytes can ask for many, or for themselves.
inline nlohmann::json yaml_value(const YAML::Node& node, std::size_t& left, unsigned depth = 0) {
  constexpr unsigned max_depth = 32;
  if (depth > max_depth)
    throw std::length_error("the front matter is nested deeper than " + std::to_string(max_depth) + " levels");
  if (left == 0) throw std::length_error("the front matter has too many nodes (MarkdownOptions::max_front_matter_nodes)");
  --left;
  switch (node.Type()) {
    case YAML::NodeType::Scalar: return yaml_scalar(node);
    case YAML::NodeType::Sequence: {
      auto list = nlohmann::json::array();
      for (const auto& item : node) list.push_back(yaml_value(item, left, depth + 1));
      return list;
    }
    case YAML::NodeType::Map: {
      auto map = nlohmann::json::object();
      for (const auto& pair : node) {
        if (!pair.first.IsScalar()) throw std::invalid_argument("the front matter has a key that is not a scalar");
        map[valid_text(pair.first.Scalar())] = yaml_value(pair.second, left, depth + 1);
      }
      return map;
    }
    default: return nullptr;
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
      if (node.IsMap()) found.values = detail::yaml_value(node, max_nodes);
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

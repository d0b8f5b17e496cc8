#include "config.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <utility>

namespace repo_checks {
namespace {

using nlohmann::json;

void allow_only(const json& object, std::initializer_list<std::string_view> keys, const std::string& where) {
  if (!object.is_object()) throw ConfigError(where + " must be an object");
  for (const auto& [key, value] : object.items()) {
    if (std::ranges::find(keys, key) == keys.end()) throw ConfigError(where + ": '" + key + "' is unknown");
  }
}

std::vector<std::string> strings(const json& list, const std::string& where) {
  const bool fits = list.is_array() && !list.empty() && std::ranges::all_of(list, [](const json& each) {
                      return each.is_string() && !each.get_ref<const std::string&>().empty() &&
                             each.get_ref<const std::string&>().find('\0') == std::string::npos;
                    });
  if (!fits) throw ConfigError(where + " must be a list of texts, none of them empty");
  return list.get<std::vector<std::string>>();
}

std::uint64_t positive(const json& number, const std::string& where) {
  constexpr std::uint64_t most = 1'000'000'000;
  if (!number.is_number_unsigned() || number.get<std::uint64_t>() == 0 || number.get<std::uint64_t>() > most) {
    throw ConfigError(where + " must be a whole number from 1 to " + std::to_string(most));
  }
  return number.get<std::uint64_t>();
}

bool flag(const json& value, const std::string& where) {
  if (!value.is_boolean()) throw ConfigError(where + " must be true or false");
  return value.get<bool>();
}

Succeeds command_of(const json& object, const std::string& where) {
  Succeeds rule{strings(object["command"], where + ".command")};
  if (object.contains("timeout_seconds")) {
    rule.timeout = std::chrono::seconds(positive(object["timeout_seconds"], where + ".timeout_seconds"));
  }
  if (object.contains("output_limit")) rule.output_limit = positive(object["output_limit"], where + ".output_limit");
  if (object.contains("silent")) rule.silent = flag(object["silent"], where + ".silent");
  return rule;
}

Criterion criterion_of(const json& object, const std::string& where) {
  allow_only(object, {"name", "tier", "any_of", "command", "timeout_seconds", "output_limit", "silent"}, where);
  const auto text = [&](const char* key) {
    if (!object.contains(key) || !object[key].is_string()) throw ConfigError(where + "." + key + " must be a text");
    return object[key].get<std::string>();
  };
  Criterion criterion{text("name"), Tier::core, Exists{}};
  try {
    check_slug(criterion.name);  // names are joined by commas in the fingerprint
  } catch (const RegistryError& error) {
    throw ConfigError(where + ".name: " + error.what());
  }
  const auto tier = tier_named(text("tier"));
  if (!tier) throw ConfigError(where + ".tier must be \"core\", \"standard\" or \"full\"");
  criterion.tier = *tier;
  if (object.contains("any_of") == object.contains("command")) {
    throw ConfigError(where + " must have either \"any_of\" or \"command\"");
  }
  if (object.contains("command")) {
    criterion.rule = command_of(object, where);
  } else {
    allow_only(object, {"name", "tier", "any_of"}, where);
    criterion.rule = Exists{strings(object["any_of"], where + ".any_of")};
  }
  return criterion;
}

bool fits_fingerprint(std::string_view file) {
  return file.front() != '/' && file.find("..") == file.npos && std::ranges::all_of(file, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
                  c == '-' || c == '/';
         });
}

}  // namespace

Configuration parse_configuration(std::string_view text, const std::string& where) {
  json root;
  try {
    root = json::parse(text);
  } catch (const json::exception& error) {
    throw ConfigError(where + ": " + error.what());
  }
  allow_only(root, {"without", "criteria", "watched_files", "file_times", "environment"}, where);
  auto configuration = standard_configuration();
  auto& criteria = configuration.criteria;
  if (root.contains("without")) {
    for (const auto& name : strings(root["without"], where + ": without")) {
      if (std::erase_if(criteria, [&](const Criterion& criterion) { return criterion.name == name; }) == 0) {
        throw ConfigError(where + ": without: there is no criterion '" + name + "'");
      }
    }
  }
  if (root.contains("criteria")) {
    if (!root["criteria"].is_array()) throw ConfigError(where + ": criteria must be a list");
    for (const auto& object : root["criteria"]) {
      auto criterion = criterion_of(object, where + ": criteria[" + std::to_string(&object - &root["criteria"][0]) + "]");
      if (std::ranges::find(criteria, criterion.name, &Criterion::name) != criteria.end()) {
        throw ConfigError(where + ": criteria: '" + criterion.name + "' is there twice");
      }
      criteria.push_back(std::move(criterion));
    }
  }
  if (root.contains("watched_files")) {
    configuration.watched_files = strings(root["watched_files"], where + ": watched_files");
    for (const auto& file : configuration.watched_files) {
      if (!fits_fingerprint(file)) {
        throw ConfigError(where + ": watched_files: '" + file +
                          "' must be a path below the repository of letters, digits and \"._-/\"");
      }
    }
  }
  if (root.contains("file_times")) configuration.file_times = flag(root["file_times"], where + ": file_times");
  if (root.contains("environment")) {
    configuration.environment = strings(root["environment"], where + ": environment");
    for (const auto& name : configuration.environment) {
      if (name.find('=') != name.npos || name.starts_with("GIT_")) {
        throw ConfigError(where + ": environment: '" + name + "' must be the name of a variable, and none of git's");
      }
    }
  }
  return configuration;
}

Configuration load_configuration(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  std::string where = "'";
  where.append(file.string()).append("'");
  if (!stream.good() && !stream.eof()) throw ConfigError(where + " cannot be read");
  return parse_configuration(text, where);
}

}  // namespace repo_checks

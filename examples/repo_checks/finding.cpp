#include "finding.hpp"

#include "schema.hpp"

#include <render_cache/schema/text.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace repo_checks {

render_cache::Json to_json(const std::vector<Finding>& findings) {
  auto list = nlohmann::ordered_json::array();
  for (const auto& finding : findings) {
    nlohmann::ordered_json one{{"name", finding.name},
                               {"tier", std::string(to_string(finding.tier))},
                               {"passed", finding.passed},
                               {"reason", finding.reason}};
    if (finding.duration) one["milliseconds"] = finding.duration->count();
    list.push_back(std::move(one));
  }
  return {list.dump()};
}

std::vector<Finding> findings_of(const render_cache::Json& json) {
  try {
    std::vector<Finding> findings;
    for (const auto& one : nlohmann::json::parse(json.text)) {
      const auto tier = tier_named(one.at("tier").get<std::string>());
      if (!tier) throw std::runtime_error("tier '" + one.at("tier").get<std::string>() + "' is unknown");
      findings.push_back({one.at("name").get<std::string>(), *tier, one.at("passed").get<bool>(),
                          one.at("reason").get<std::string>()});
      if (one.contains("milliseconds")) findings.back().duration = std::chrono::milliseconds(one["milliseconds"].get<long>());
    }
    return findings;
  } catch (const nlohmann::json::exception& error) {
    throw std::runtime_error(std::string("the list of criteria cannot be read: ") + error.what());
  }
}

std::string one_line(std::string_view text, std::size_t limit) {
  constexpr std::string_view blank = " \t\r\n";
  text.remove_prefix(std::min(text.find_first_not_of(blank), text.size()));
  text = text.substr(0, text.find_first_of("\r\n"));
  std::string line;
  while (!text.empty() && line.size() < limit) {
    const auto bad = std::min(render_cache::find_invalid_text(text), text.size());
    line += text.substr(0, bad);
    text.remove_prefix(bad);
    if (text.empty()) break;
    line += '?';
    text.remove_prefix(1);
  }
  if (line.size() > limit) {
    auto end = limit;
    while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xc0) == 0x80) --end;
    line.resize(end);
    line += "...";
  }
  std::ranges::replace_if(line, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  return line;
}

void DoiCacheSchema::validate(const CheckResult& result) {
  const std::array passes{result.core_pass, result.standard_pass, result.full_pass};
  const auto reached = std::ranges::find(passes, false) - passes.begin();
  const std::string expected(reached == 0 ? "none" : to_string(static_cast<Tier>(reached - 1)));
  if (result.tier != expected) {
    throw std::runtime_error("column 'tier' is '" + one_line(result.tier) + "' where the three booleans say '" + expected + "'");
  }
  if (!result.criteria) throw std::runtime_error("column 'criteria' is NULL");
  if (!nlohmann::json::accept(result.criteria->text)) throw std::runtime_error("column 'criteria' holds no JSON");
}

}  // namespace repo_checks

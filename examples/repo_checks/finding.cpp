#include "finding.hpp"

#include "schema.hpp"

#include <render_cache/entry/text.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

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

namespace {

/// Reads the list event by event: a summary reads hundreds of them, and a tree of values would take twice as long. Takes
/// the members in any order and passes over those it does not know.
class Reader : public nlohmann::json_sax<nlohmann::json> {
 public:
  std::vector<Finding> findings;
  std::string problem;

  bool start_array(std::size_t) override { return depth_++ == 0 || refuse("a list within the list"); }
  bool end_array() override { return --depth_, true; }
  bool start_object(std::size_t) override {
    found_ = 0;
    return depth_++ == 1 ? (findings.emplace_back(), true) : refuse("an object where there should be none");
  }
  bool end_object() override {
    return --depth_, found_ == all_found || refuse("a criterion without name, tier, passed or reason");
  }
  bool key(std::string& name) override {
    key_ = std::move(name);
    return true;
  }
  bool string(std::string& text) override {
    if (depth_ != 2) return refuse("a text where a criterion should be");
    if (key_ == "name") return take(1, findings.back().name, std::move(text));
    if (key_ == "reason") return take(2, findings.back().reason, std::move(text));
    if (key_ != "tier") return true;
    const auto tier = tier_named(text);
    return tier ? take(4, findings.back().tier, *tier) : refuse("the unknown tier '" + one_line(text) + "'");
  }
  bool boolean(bool value) override {
    if (depth_ != 2) return refuse("a boolean where a criterion should be");
    return key_ != "passed" || take(8, findings.back().passed, value);
  }
  bool number_unsigned(number_unsigned_t number) override { return number_integer(static_cast<number_integer_t>(number)); }
  bool number_integer(number_integer_t number) override {
    if (depth_ != 2) return refuse("a number where a criterion should be");
    if (key_ == "milliseconds") findings.back().duration = std::chrono::milliseconds(number);
    return true;
  }
  bool number_float(number_float_t, const string_t&) override { return refuse("a fraction"); }
  bool null() override { return refuse("a null"); }
  bool binary(binary_t&) override { return refuse("bytes"); }
  bool parse_error(std::size_t at, const std::string&, const nlohmann::json::exception&) override {
    return refuse("no JSON at byte " + std::to_string(at));
  }

 private:
  static constexpr unsigned all_found = 1 + 2 + 4 + 8;

  template <class Member, class Value>
  bool take(unsigned which, Member& member, Value&& value) {
    found_ |= which;
    member = std::forward<Value>(value);
    return true;
  }
  bool refuse(std::string what) {
    if (problem.empty()) problem = std::move(what);
    return false;
  }

  int depth_ = 0;
  unsigned found_ = 0;
  std::string key_;
};

}  // namespace

std::vector<Finding> findings_of(const render_cache::Json& json) {
  Reader reader;
  if (!nlohmann::json::sax_parse(json.text, &reader)) {
    throw std::runtime_error("column 'criteria' is no list of criteria: it holds " + reader.problem);
  }
  return std::move(reader.findings);
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
  for (std::size_t at = 0; at < line.size(); ++at) {
    const auto byte = static_cast<unsigned char>(line[at]);
    const bool is_c1 = byte == 0xc2 && static_cast<unsigned char>(line[at + 1]) < 0xa0;  // U+0080 to U+009F
    if (is_c1) line.erase(at, 1);
    if (byte < 0x20 || byte == 0x7f || is_c1) line[at] = ' ';
  }
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
  static_cast<void>(findings_of(*result.criteria));
}

}  // namespace repo_checks

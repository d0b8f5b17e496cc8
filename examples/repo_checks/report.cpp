#include "report.hpp"

#include "finding.hpp"

#include <render_cache/entry/text_form.hpp>

#include <nlohmann/json.hpp>

#include <map>
#include <optional>

namespace repo_checks {
namespace {

using json = nlohmann::ordered_json;
using render_cache::to_text;

/// Paths are bytes: what is not UTF-8 in them is replaced.
std::string text_of(const json& document) { return document.dump(2, ' ', false, json::error_handler_t::replace) + "\n"; }

json time_of(const std::optional<render_cache::Timestamp>& time) { return time ? json(to_text(*time)) : json(nullptr); }

json result_of(const Repository& repository, const CheckOutcome& outcome) {
  return {{"slug", repository.slug},
          {"path", repository.path.string()},
          {"tier", outcome->tier},
          {"core_pass", outcome->core_pass},
          {"standard_pass", outcome->standard_pass},
          {"full_pass", outcome->full_pass},
          {"checked_at", to_text(outcome.entry->rendered_at)},
          {"fingerprint", outcome.entry->fingerprint.text()},
          {"cache",
           {{"hit", outcome.hit()},
            {"origin", std::string(to_string(outcome.origin))},
            {"miss", outcome.hit() ? json(nullptr) : json(std::string(to_string(outcome.miss)))},
            {"detail", outcome.detail},
            {"stored", outcome.stored}}}};
}

json findings_json(const CheckResult& result) { return result.criteria ? json::parse(result.criteria->text) : json::array(); }

}  // namespace

std::string repositories_json(const std::vector<Repository>& repositories) {
  auto list = json::array();
  for (const auto& each : repositories) {
    list.push_back({{"slug", each.slug},
                    {"path", each.path.string()},
                    {"updated_at", to_text(each.record.updated_at)},
                    {"newest_snapshot", time_of(each.record.newest_snapshot)},
                    {"newest_goal", time_of(each.record.newest_goal)}});
  }
  return text_of(list);
}

std::string check_json(const Repository& repository, const CheckOutcome& outcome) {
  auto object = result_of(repository, outcome);
  object["criteria"] = findings_json(*outcome);
  return text_of(object);
}

std::string summary_json(const std::vector<Repository>& repositories, std::span<const CheckAnswer> answers) {
  auto list = json::array();
  std::map<std::string, std::size_t> tiers;
  std::size_t hits = 0, errors = 0;
  for (std::size_t i = 0; i < repositories.size(); ++i) {
    if (!answers[i]) {
      ++errors;
      list.push_back(
          {{"slug", repositories[i].slug}, {"path", repositories[i].path.string()}, {"error", message_of(answers[i].error())}});
      continue;
    }
    const auto& outcome = answers[i].outcome();
    ++tiers[outcome->tier];
    hits += outcome.hit() ? 1 : 0;
    list.push_back(result_of(repositories[i], outcome));
    auto names = json::array();
    for (const auto& finding : findings_json(*outcome)) {
      if (!finding["passed"].get<bool>()) names.push_back(finding["name"]);
    }
    list.back()["failing"] = std::move(names);
  }
  return text_of({{"repositories", std::move(list)},
                  {"totals",
                   {{"repositories", repositories.size()},
                    {"none", tiers["none"]},
                    {"core", tiers["core"]},
                    {"standard", tiers["standard"]},
                    {"full", tiers["full"]},
                    {"errors", errors},
                    {"from_cache", hits}}}});
}

std::string error_json(const std::string& message) { return text_of({{"error", message}}); }

std::string failing(const CheckResult& result) {
  std::string names;
  if (!result.criteria) return names;
  for (const auto& finding : findings_of(*result.criteria)) {
    if (!finding.passed) names.append(names.empty() ? "" : ", ").append(finding.name);
  }
  return names;
}

std::string message_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& known) {
    return known.what();
  } catch (...) {
    return "an error of an unknown type";
  }
}

}  // namespace repo_checks

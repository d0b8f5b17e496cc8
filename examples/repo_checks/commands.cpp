#include "commands.hpp"

#include "finding.hpp"
#include "report.hpp"

#include <render_cache/entry/error.hpp>
#include <render_cache/entry/text.hpp>
#include <render_cache/entry/text_form.hpp>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <ostream>
#include <system_error>
#include <utility>

namespace repo_checks {
namespace {

using std::chrono::milliseconds;

Cell passed(bool pass) { return pass ? Cell{"yes", Colour::green} : Cell{"no", Colour::red}; }

Colour colour_of(std::string_view tier) {
  return tier == "full" ? Colour::green : tier == "standard" ? Colour::cyan : tier == "core" ? Colour::yellow : Colour::red;
}

/// `2026-11-20 23:14:05`, UTC.
std::string minute_of(render_cache::Timestamp time) {
  auto text = render_cache::to_text(time).substr(0, 19);
  text[10] = ' ';
  return text;
}

/// Why it was evaluated and whether the result is kept: nothing for a hit.
std::string how(const CheckOutcome& outcome) {
  if (outcome.hit()) return {};
  std::string text = outcome.origin == render_cache::Origin::stale ? "older result" : "evaluated";
  text.append(": ").append(to_string(outcome.miss));
  if (!outcome.detail.empty()) text.append(", ").append(one_line(outcome.detail));
  if (!outcome.stored) text += " (not stored)";
  return text;
}

/// A first evaluation and one that was asked for need no explanation.
bool is_news(const CheckOutcome& outcome) {
  using render_cache::Miss;
  return !outcome.hit() && !(outcome.stored && (outcome.miss == Miss::absent || outcome.miss == Miss::forced));
}

bool reaches(const CheckResult& result, std::optional<Tier> required) {
  if (!required) return true;
  const auto tier = tier_named(result.tier);
  return tier && *tier >= *required;
}

Table table_of(const std::vector<Repository>& repositories, std::span<const CheckAnswer> answers) {
  Table table({"REPOSITORY", "TIER", "CORE", "STANDARD", "FULL", "CHECKED (UTC)", "FAILING"});
  for (std::size_t i = 0; i < repositories.size(); ++i) {
    const auto& slug = repositories[i].slug;
    if (!answers[i]) {
      table.add({{slug}, {"?", Colour::red}, {"?"}, {"?"}, {"?"}, {""}, {one_line(message_of(answers[i].error())), Colour::red}});
      continue;
    }
    const auto& outcome = answers[i].outcome();
    table.add({{slug},
               {outcome->tier, colour_of(outcome->tier)},
               passed(outcome->core_pass),
               passed(outcome->standard_pass),
               passed(outcome->full_pass),
               {minute_of(outcome.entry->rendered_at), Colour::dim},
               {failing(*outcome)}});
  }
  return table;
}

std::string totals_of(std::span<const CheckAnswer> answers, milliseconds took) {
  std::array<std::size_t, 4> tiers{};  // none, core, standard, full
  std::size_t hits = 0, errors = 0, older = 0;
  for (const auto& answer : answers) {
    if (!answer) {
      ++errors;
      continue;
    }
    const auto tier = tier_named(answer.outcome()->tier);
    ++tiers[tier ? static_cast<std::size_t>(*tier) + 1 : 0];
    hits += answer.outcome().hit() ? 1 : 0;
    older += answer.outcome().origin == render_cache::Origin::stale ? 1 : 0;
  }
  std::string text = std::to_string(answers.size()) + " repositories: " + std::to_string(tiers[3]) + " full, " +
                     std::to_string(tiers[2]) + " standard, " + std::to_string(tiers[1]) + " core, " + std::to_string(tiers[0]) +
                     " none";
  if (errors != 0) text += ", " + std::to_string(errors) + " not evaluated";
  text += "; " + std::to_string(hits) + " from the cache";
  if (older != 0) text += ", " + std::to_string(older) + " older while they are evaluated";
  return text + ", in " + std::to_string(took.count()) + " ms\n";
}

render_cache::ManyOptions many_options(const SummaryOptions& options, std::stop_token stop, const Output& output) {
  render_cache::ManyOptions many;
  many.refresh = options.force_refresh;
  many.parallel = options.parallel;
  many.stop = std::move(stop);
  if (options.max_stale) {
    many.each.freshness = render_cache::Freshness::stale_while_rendering(*options.max_stale);
    many.each.soft_limit = options.patience;
  }
  if (output.progress) {
    many.progress = [&output](const render_cache::Progress& progress) {
      if (progress.hits == progress.total) return;
      output.messages << "\r\033[K";
      if (progress.done < progress.total) {
        output.messages << "evaluating " << progress.done - progress.hits << " of " << progress.total - progress.hits << " ("
                        << progress.hits << " from the cache)";
      }
      output.messages << std::flush;
    };
  }
  return many;
}

}  // namespace

int add(Checks& checks, const std::string& slug, const std::string& path, const Output& output) {
  std::error_code error;
  const auto absolute = std::filesystem::canonical(path, error);
  if (error) throw RegistryError("'" + path + "' cannot be added: " + error.message());
  if (!std::filesystem::is_directory(absolute)) throw RegistryError("'" + path + "' cannot be added: it is no directory");
  if (render_cache::find_invalid_text(absolute.string()) != std::string_view::npos) {
    throw RegistryError("'" + one_line(absolute.string()) + "' cannot be added: a path must be UTF-8");
  }
  checks.registry().add(slug, absolute.string());
  output.messages << "added " << slug << " at " << absolute.string() << '\n';
  return done;
}

int list(Checks& checks, bool json, const Output& output) {
  const auto repositories = checks.registry().list();
  if (json) {
    output.results << repositories_json(repositories);
    return done;
  }
  Table table({"REPOSITORY", "UPDATED (UTC)", "NEWEST SNAPSHOT", "NEWEST GOAL", "PATH"});
  const auto time = [](const auto& at) { return Cell{at ? minute_of(*at) : "-", Colour::dim}; };
  for (const auto& each : repositories) {
    table.add({{each.slug},
               time(std::optional(each.record.updated_at)),
               time(each.record.newest_snapshot),
               time(each.record.newest_goal),
               {each.path.string()}});
  }
  output.results << table.text(output.result_terminal);
  return done;
}

int check(Checks& checks, const std::string& slug, const CheckOptions& options, const Output& output) {
  const auto repository = checks.registry().find(slug);
  const auto outcome = checks.check(repository, options.force_refresh);
  const int code = reaches(*outcome, options.require) ? done : below;
  if (options.json) {
    output.results << check_json(repository, outcome);
    return code;
  }
  const auto& terminal = output.result_terminal;
  output.results << coloured(slug, Colour::bold, terminal) << ": " << coloured(outcome->tier, colour_of(outcome->tier), terminal)
                 << coloured(", checked " + minute_of(outcome.entry->rendered_at) + " UTC, " +
                                 (outcome.hit() ? "from the cache" : how(outcome)),
                             Colour::dim, terminal)
                 << "\n\n";
  Table table({"CRITERION", "TIER", "PASSES", "TOOK", "REASON"});
  for (const auto& finding : findings_of(outcome->criteria.value())) {
    const auto took = finding.duration ? std::to_string(finding.duration->count()) + " ms" : std::string();
    table.add({{finding.name},
               {std::string(to_string(finding.tier)), colour_of(to_string(finding.tier))},
               passed(finding.passed),
               {took, Colour::dim},
               {finding.reason}});
  }
  output.results << table.text(terminal);
  return code;
}

int summary(Checks& checks, const SummaryOptions& options, std::stop_token stop, const Output& output) {
  const auto start = std::chrono::steady_clock::now();
  const auto repositories = checks.registry().list();
  const auto answers = checks.check_all(repositories, many_options(options, stop, output));
  const auto took = std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - start);
  if (options.json) {
    output.results << summary_json(repositories, answers);
  } else {
    output.results << table_of(repositories, answers).text(output.result_terminal) << '\n'
                   << coloured(totals_of(answers, took), Colour::dim, output.result_terminal);
  }
  output.results << std::flush;  // evaluations in the background may keep the program for a while
  for (std::size_t i = 0; i < repositories.size() && !options.json; ++i) {
    if (answers[i] && is_news(answers[i].outcome())) {
      output.messages << repositories[i].slug << ": " << how(answers[i].outcome()) << '\n';
    }
  }
  if (stop.stop_requested()) return interrupted;
  return std::ranges::all_of(answers, [&](const CheckAnswer& each) { return each && reaches(*each.outcome(), options.require); })
             ? done
             : below;
}

int watch(Checks& checks, milliseconds interval, const SummaryOptions& options, std::stop_token stop, const Output& output) {
  summary(checks, options, stop, output);
  std::mutex mutex;
  std::condition_variable_any waking;
  for (std::unique_lock lock(mutex);;) {
    waking.wait_for(lock, stop, interval, [] { return false; });
    if (stop.stop_requested()) return interrupted;
    try {
      const auto repositories = checks.registry().list();
      const auto answers = checks.check_all(repositories, many_options(options, stop, output));
      for (std::size_t i = 0; i < repositories.size(); ++i) {
        if (!answers[i]) {
          output.messages << repositories[i].slug << ": " << one_line(message_of(answers[i].error())) << '\n';
        } else if (const auto& outcome = answers[i].outcome(); !outcome.hit()) {
          const auto fails = failing(*outcome);
          output.results << coloured(repositories[i].slug, Colour::bold, output.result_terminal) << ": "
                         << coloured(outcome->tier, colour_of(outcome->tier), output.result_terminal) << "  "
                         << coloured(how(outcome), Colour::dim, output.result_terminal)
                         << (fails.empty() ? std::string() : "  failing: " + fails) << std::endl;
        }
      }
    } catch (const render_cache::StoreError& error) {
      output.messages << "the database cannot be asked, trying again: " << error.what() << std::endl;
    }
  }
}

}  // namespace repo_checks

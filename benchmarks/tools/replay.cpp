// What eviction policies make of a trace: a table of miss ratios and, if asked for, a plot.
//
//   replay ../shared/data/traces/cloudphysics.csv --objects 2448,4897,9794 --bytes 38MiB,96MiB,193MiB --plot misses.svg
//   replay --zipf 0.9 --costs
//
// S3-FIFO is the library's own policy, on one shard and, as MemoryStore, on as many as that has by default.
#include "replay.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace render_cache::replay;
using render_cache::Evict;

struct Policy {
  std::string name;
  std::function<Misses(const Trace&, std::uint64_t capacity)> misses;
};

std::vector<Policy> policies_named(const std::vector<std::string>& names, const std::vector<std::size_t>& shards) {
  std::vector<Policy> policies;
  for (const auto& name : names) {
    if (name == "s3-fifo" || name == "cost-aware") {
      const auto evict = name == "cost-aware" ? Evict::cost_aware : Evict::s3_fifo;
      for (const auto count : shards) {
        policies.push_back({(evict == Evict::cost_aware ? "cost" : "S3-FIFO") + (count == 0 ? "" : "/" + std::to_string(count)),
                            [count, evict](const Trace& trace, std::uint64_t capacity) {
                              return s3_fifo_misses(trace, capacity, count == 0 ? default_shards(trace, capacity) : count, evict);
                            }});
      }
    } else if (name == "fifo" || name == "lru") {
      policies.push_back({name == "lru" ? "LRU" : "FIFO", [lru = name == "lru"](const Trace& trace, std::uint64_t capacity) {
                            return list_misses(trace, capacity, lru);
                          }});
    } else {
      policies.push_back({"Belady", belady_misses});
    }
  }
  return policies;
}

/// One table and one part of the plot: capacities in one unit.
struct Series {
  std::string unit;
  Trace trace;
  std::vector<std::uint64_t> capacities;
  double scale;  // of a capacity as it is shown
  std::vector<std::vector<double>> miss_ratios{};  // by capacity, then policy
  std::vector<std::vector<double>> cost_ratios{};  // the same for the time spent in rendering
};

/// 1, 2, 5, 10, 20 and 40 % of all there is.
std::vector<std::uint64_t> shares_of(std::uint64_t all) {
  std::vector<std::uint64_t> capacities;
  for (const std::uint64_t percent : {1u, 2u, 5u, 10u, 20u, 40u})
    capacities.push_back(std::max<std::uint64_t>(all * percent / 100, 1));
  return capacities;
}

void print(const Series& series, const std::vector<Policy>& policies, const char* title,
           const std::vector<std::vector<double>>& ratios) {
  std::printf("%s\n%16s", title, ("capacity, " + series.unit).c_str());
  for (const auto& policy : policies) std::printf("  %11s", policy.name.c_str());
  std::printf("\n");
  for (std::size_t row = 0; row < series.capacities.size(); ++row) {
    std::printf("%16.*f", series.scale == 1 ? 0 : 1, static_cast<double>(series.capacities[row]) / series.scale);
    for (const double ratio : ratios[row]) std::printf("  %11.4f", ratio);
    std::printf("\n");
  }
  std::printf("\n");
}

/// The miss ratios over the capacity, one picture beside the other; the file's ending says in which format.
void plot(const std::vector<Series>& all, const std::vector<Policy>& policies, const std::string& path) {
  std::FILE* gnuplot = popen("gnuplot", "w");
  if (gnuplot == nullptr) throw std::runtime_error("gnuplot cannot be started");
  const bool svg = path.ends_with(".svg");
  std::fprintf(gnuplot, "set terminal %s size %zu,480\nset output '%s'\nset multiplot layout 1,%zu\n", svg ? "svg" : "png",
               640 * all.size(), path.c_str(), all.size());
  // Grey, which can be read on a light page and on a dark one.
  std::fprintf(gnuplot,
               "grey = '#808080'\nset border linecolor rgb grey\nset tics textcolor rgb grey\n"
               "set ylabel 'miss ratio' textcolor rgb grey\nset logscale x\nset grid linecolor rgb grey\n"
               "set key bottom left textcolor rgb grey\n");
  for (const auto& series : all) {
    std::fprintf(gnuplot, "set xlabel 'capacity, %s' textcolor rgb grey\nplot ", series.unit.c_str());
    for (const auto& policy : policies) std::fprintf(gnuplot, "'-' with linespoints title '%s', ", policy.name.c_str());
    std::fprintf(gnuplot, "\n");
    for (std::size_t column = 0; column < policies.size(); ++column) {
      for (std::size_t row = 0; row < series.capacities.size(); ++row) {
        std::fprintf(gnuplot, "%f %f\n", static_cast<double>(series.capacities[row]) / series.scale,
                     series.miss_ratios[row][column]);
      }
      std::fprintf(gnuplot, "e\n");
    }
  }
  if (pclose(gnuplot) != 0) throw std::runtime_error("gnuplot failed; the plot '" + path + "' is not written");
}

}  // namespace

int main(int argc, char** argv) try {
  CLI::App app("Miss ratios of eviction policies on a trace of requests");
  std::string path, plot_path;
  double alpha = 0;
  bool with_costs = false;
  std::vector<std::uint64_t> objects, bytes;
  std::vector<std::size_t> shards{1, 0};
  std::vector<std::string> names{"s3-fifo", "fifo", "lru", "belady"};
  auto* trace_option = app.add_option("trace", path, "File of lines id,bytes")->check(CLI::ExistingFile);
  app.add_option("--zipf", alpha, "Instead of a file: a million requests after Zipf's law with this exponent, a scan mixed in")
      ->excludes(trace_option);
  app.add_option("--objects", objects, "Capacities in objects, where every object counts 1")->delimiter(',');
  app.add_option("--bytes", bytes, "Capacities in bytes; KiB, MiB and GiB are understood")
      ->delimiter(',')
      ->transform(CLI::AsSizeValue(false));
  app.add_option("--shards", shards, "Numbers of shards of S3-FIFO, powers of two; 0: as MemoryStore chooses")
      ->delimiter(',')
      ->check([](const std::string& text) {
        const auto count = std::strtoull(text.c_str(), nullptr, 10);
        return count == 0 || std::has_single_bit(count) ? std::string{} : "a number of shards is a power of two, not " + text;
      });
  app.add_flag("--costs", with_costs, "Give objects heavy-tailed costs of 0.2 to 40 s, and add Evict::cost_aware");
  app.add_option("--policies", names, "Which: s3-fifo, fifo, lru, belady")
      ->delimiter(',')
      ->check(CLI::IsMember({"s3-fifo", "fifo", "lru", "belady"}));
  app.add_option("--plot", plot_path, "Picture to write with gnuplot, .svg or .png");
  CLI11_PARSE(app, argc, argv);
  if (path.empty() && alpha == 0) throw std::runtime_error("name a trace file, or --zipf EXPONENT");

  Trace trace = path.empty() ? zipf_with_scan(alpha, 100'000, 1'000'000) : read_trace(path);
  if (trace.requests.empty()) throw std::runtime_error("the trace '" + path + "' has no requests");
  std::printf("%zu requests, %u objects, %.1f MiB\n\n", trace.requests.size(), trace.objects,
              static_cast<double>(trace.bytes) / (1 << 20));

  double total_cost = 1;
  if (with_costs) {
    trace.costs = heavy_tailed_costs(trace.objects);
    total_cost = 0;
    for (const auto& request : trace.requests) total_cost += trace.costs[request.object];
    names.insert(names.begin() + 1, "cost-aware");
  }

  std::vector<Series> all;
  const bool neither = objects.empty() && bytes.empty();
  if (neither || !objects.empty()) {
    all.push_back({"objects", trace.of_equal_objects(), objects.empty() ? shares_of(trace.objects) : objects, 1});
  }
  if (neither || !bytes.empty()) all.push_back({"MiB", trace, bytes.empty() ? shares_of(trace.bytes) : bytes, 1 << 20});

  const auto policies = policies_named(names, shards);
  for (auto& series : all) {
    for (const auto capacity : series.capacities) {
      auto& by_count = series.miss_ratios.emplace_back();
      auto& by_cost = series.cost_ratios.emplace_back();
      for (const auto& policy : policies) {
        const auto misses = policy.misses(series.trace, capacity);
        by_count.push_back(static_cast<double>(misses.count) / static_cast<double>(trace.requests.size()));
        by_cost.push_back(misses.seconds / total_cost);
      }
    }
    print(series, policies, "Miss ratio", series.miss_ratios);
    if (with_costs) print(series, policies, "Share of the time for rendering that was not saved", series.cost_ratios);
  }
  if (!plot_path.empty()) plot(all, policies, plot_path);
  return EXIT_SUCCESS;
} catch (const std::exception& error) {
  std::fprintf(stderr, "replay: %s\n", error.what());
  return EXIT_FAILURE;
}

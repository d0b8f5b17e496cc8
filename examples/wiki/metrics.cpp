#include "metrics.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <utility>
#include <vector>

namespace wiki {
namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;

/// Counted elsewhere, and only read here.
MetricFamily family(const char* name, const char* help, MetricType type,
                    const std::vector<std::pair<std::vector<prometheus::ClientMetric::Label>, double>>& values) {
  MetricFamily made{name, help, type, {}};
  for (const auto& [labels, value] : values) {
    auto& metric = made.metric.emplace_back();
    metric.label = labels;
    metric.counter.value = value;
    metric.gauge.value = value;
  }
  return made;
}

}  // namespace

std::string metrics_text(const prometheus::Registry& registry, const http::ServerStats& server,
                         const render_cache::MemoryStats& responses) {
  auto families = registry.Collect();
  const auto counter = [&](const char* name, const char* help, std::uint64_t value) {
    families.push_back(family(name, help, MetricType::Counter, {{{}, static_cast<double>(value)}}));
  };
  const auto gauge = [&](const char* name, const char* help, std::uint64_t value) {
    families.push_back(family(name, help, MetricType::Gauge, {{{}, static_cast<double>(value)}}));
  };
  std::vector<std::pair<std::vector<prometheus::ClientMetric::Label>, double>> replies;
  for (std::size_t hundred = 2; hundred < std::size(server.statuses); ++hundred) {
    replies.push_back({{{"status", std::to_string(hundred) + "xx"}}, static_cast<double>(server.statuses[hundred])});
  }
  families.push_back(family("wiki_replies_total", "Answers, by hundreds of their status", MetricType::Counter, replies));
  counter("wiki_requests_total", "Requests read", server.requests);
  counter("wiki_requests_at_once_total", "Of those, answered without a worker", server.answered_at_once);
  counter("wiki_connections_total", "Connections accepted", server.connections);
  counter("wiki_timeouts_total", "Connections closed for slowness or idleness", server.timeouts);
  counter("wiki_refused_connections_total", "Connections beyond a client's share", server.refused);
  counter("wiki_shed_requests_total", "Requests answered 503, since too many waited or the work took too long", server.shed);
  counter("wiki_sent_bytes_total", "Bytes sent", server.bytes_sent);
  gauge("wiki_open_connections", "Connections now", server.open);
  gauge("wiki_response_memory_entries", "Responses held in memory", responses.entries);
  gauge("wiki_response_memory_bytes", "What they weigh", responses.bytes);
  gauge("wiki_response_memory_capacity_bytes", "What they may weigh", responses.capacity);
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace wiki

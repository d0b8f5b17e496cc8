#include <render_cache/observer/prometheus.hpp>

#include <prometheus/text_serializer.h>

#include <iostream>

int main() {
  prometheus::Registry registry;
  const render_cache::PrometheusObserver observer(registry);
  observer.on_hit("page", render_cache::HitEvent{render_cache::Origin::near, {}});
  std::cout << prometheus::TextSerializer().Serialize(registry.Collect());
}

// What a database sends as text, whoever has written it: a value of each kind, or none; and a value's text is that value.
#include <render_cache/entry/text_form.hpp>

#include "fuzz.hpp"

#include <chrono>

using namespace render_cache;

namespace {

template <class Value>
void check(std::string_view text) {
  const auto value = from_text<Value>(text);
  if (!value) return;
  const auto written = to_text(*value);
  const auto back = from_text<Value>(written);
  const bool is_number = *value == *value;  // NaN is not
  fuzz::expect(back && (*back == *value || !is_number), "'" + written + "' is the value that was read");
  fuzz::expect(to_text(*back) == written, "'" + written + "' is written the same again");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::text(data, size);
  check<bool>(text);
  check<std::int16_t>(text);
  check<std::int32_t>(text);
  check<std::int64_t>(text);
  check<double>(text);
  check<Timestamp>(text);
  check<std::chrono::sys_days>(text);
  check<Uuid>(text);
  return 0;
}

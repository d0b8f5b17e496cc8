// Any bytes as a request: the parser takes them in any portions to the same end, and no target leads where it must not.
#include "http/request_parser.hpp"
#include "target.hpp"

#include "fuzz.hpp"

#include <boost/asio/buffer.hpp>

#include <algorithm>

namespace {

struct Parsed {
  bool is_done = false, has_failed = false, keep_alive = false, proper_host = false;
  unsigned framing = 0;
  http::Request request;
};

// In portions of `step` bytes, as they come from a socket.
Parsed parse(std::string_view input, std::size_t step) {
  Parsed parsed;
  http::RequestParser parser(parsed.request, 4096);
  std::size_t begin = 0, end = 0;
  while (!parser.is_header_done() && !parsed.has_failed && end < input.size()) {
    end = std::min(end + step, input.size());
    boost::beast::error_code error;
    begin += parser.put(boost::asio::buffer(input.data() + begin, end - begin), error);
    parsed.has_failed = error && error != boost::beast::http::error::need_more;
  }
  parsed.is_done = !parsed.has_failed && parser.is_header_done();
  if (!parsed.is_done) return parsed;
  parsed.keep_alive = parser.is_keep_alive();
  parsed.proper_host = parser.has_proper_host();
  parsed.framing = parser.bad_framing();
  return parsed;
}

void check_target(std::string_view text) {
  const auto target = wiki::parse_target(text);
  if (target.problem != wiki::Target::Problem::none) return;
  for (const auto* part : {&target.alias, &target.path}) {
    fuzz::expect(part->find('\0') == part->npos, "no NUL");
    fuzz::expect(render_cache::find_invalid_text(*part) == part->npos, "UTF-8");
  }
  fuzz::expect(target.alias.find('/') == target.alias.npos, "an alias is one segment");
  for (std::string_view rest = target.path; !rest.empty();) {
    const auto segment = rest.substr(0, rest.find('/'));
    rest.remove_prefix(std::min(segment.size() + 1, rest.size()));
    fuzz::expect(!segment.empty() && !segment.starts_with('.'), "no empty, hidden or climbing segment in " + target.path);
  }
  fuzz::expect(!target.alias.starts_with('.'), "no hidden alias");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = fuzz::text(data, size);
  check_target(input.substr(0, input.find('\n')));
  http::accepts_gzip(input);
  const auto quote = input.find('"');
  if (quote != input.npos) http::names_etag(input, input.substr(quote, 8));
  http::has_folded_line(input);

  const auto whole = parse(input, input.size() + 1);
  if (whole.is_done) check_target(whole.request.target);
  for (const std::size_t step : {1u, 7u}) {
    const auto parts = parse(input, step);
    if (!whole.is_done) continue;  // what is behind a head that ends decides nothing in portions
    fuzz::expect(parts.is_done, "portions of a request are the request");
    fuzz::expect(parts.request.target == whole.request.target && parts.keep_alive == whole.keep_alive &&
                     parts.framing == whole.framing && parts.proper_host == whole.proper_host &&
                     parts.request.method == whole.request.method,
                 "the same in portions");
  }
  return 0;
}

#include "server.hpp"

#include "http/host.hpp"
#include "report.hpp"

#include <render_cache/entry/error.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <ostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace repo_checks {
namespace {

struct BadRequest : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// What stands after the '?'.
struct Wishes {
  bool force_refresh = false;
  render_cache::GetOptions get{};
};

Wishes parse_wishes(std::string_view query, bool is_post) {
  Wishes wishes{.force_refresh = is_post};
  while (!query.empty()) {
    const auto wish = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(wish.size() + 1, query.size()));
    const auto name = wish.substr(0, wish.find('='));
    const auto value = name.size() < wish.size() ? wish.substr(name.size() + 1) : std::string_view{};
    std::uint32_t seconds = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
    if (name == "force_refresh" && (value == "true" || value == "false")) {
      wishes.force_refresh = value == "true";
    } else if (name == "max_stale" && error == std::errc{} && end == value.data() + value.size()) {
      wishes.get.freshness = render_cache::Freshness::stale_while_rendering(std::chrono::seconds(seconds));
    } else if (!wish.empty()) {
      throw BadRequest("'" + std::string(wish) + "' is not understood: there are force_refresh=true and max_stale=SECONDS");
    }
  }
  return wishes;
}

http::Reply json_reply(unsigned status, std::string body) {
  auto reply = http::make_reply(status, "application/json", std::move(body));
  reply.field("Cache-Control", "no-store");
  return reply;
}

class Service final : public http::Handler {
 public:
  Service(Checks& checks, std::size_t parallel) : checks_(checks), parallel_(parallel) {}

  std::optional<http::Reply> answer_now(const http::Request& request) noexcept override {
    if (request.method == http::Method::other) {
      auto reply = refuse(405, "only GET, HEAD and POST are understood");
      reply.field("Allow", "GET, HEAD, POST");
      return reply;
    }
    return std::nullopt;
  }

  http::Reply answer(const http::Request& request) noexcept override {
    try {
      const auto path = path_of(request);
      const auto query = std::string_view(request.target).substr(std::min(path.size() + 1, request.target.size()));
      const auto wishes = parse_wishes(query, request.method == http::Method::post);
      if (wishes.force_refresh && (!request.is_own_host || http::is_from_another_site(request))) {
        return refuse(
            403, "a refresh is forced only under the server's own name (serve --host NAME) and never for another site's page");
      }
      constexpr std::string_view one = "/repos/";
      if (path == "/repos") return json_reply(200, repositories_json(checks_.registry().list()));
      if (path.starts_with(one))
        return json_reply(200, check_one(std::string(path.substr(one.size())), wishes, request.client_left));
      if (path == "/summary") return json_reply(200, check_all(wishes, request.client_left));
      return refuse(404, "there are /repos, /repos/SLUG and /summary");
    } catch (const BadRequest& error) {
      return refuse(400, error.what());
    } catch (const UnknownSlug& error) {
      return refuse(404, error.what());
    } catch (const render_cache::StoreError& error) {
      return refuse(503, error.what());
    } catch (const render_cache::Cancelled& error) {
      return refuse(503, error.what());
    } catch (const std::exception& error) {
      return refuse(500, error.what());
    }
  }

  http::Reply refuse(unsigned status, std::string_view why) noexcept override {
    return json_reply(status, error_json(std::string(why)));
  }

  /// Whatever evaluates nothing.
  bool is_quick(const http::Request& request) const noexcept override {
    const auto path = path_of(request);
    return path != "/summary" && !path.starts_with("/repos/");
  }

 private:
  static std::string_view path_of(const http::Request& request) noexcept {
    return std::string_view(request.target).substr(0, request.target.find('?'));
  }

  std::string check_one(const std::string& slug, const Wishes& wishes, const std::stop_token& client_left) const {
    const auto repository = checks_.registry().find(slug);
    return check_json(repository, checks_.check(repository, wishes.force_refresh, wishes.get, client_left));
  }
  std::string check_all(const Wishes& wishes, const std::stop_token& client_left) const {
    const auto repositories = checks_.registry().list();
    return summary_json(
        repositories,
        checks_.check_all(repositories,
                          {.each = wishes.get, .refresh = wishes.force_refresh, .parallel = parallel_, .stop = client_left}));
  }

  Checks& checks_;
  std::size_t parallel_;
};

}  // namespace

int serve(Checks& checks, const http::ServerOptions& place, std::size_t parallel, std::stop_token stop, std::ostream& messages) {
  Service service(checks, parallel);
  auto options = place;
  options.threads = 1;
  options.workers = std::max<std::size_t>(parallel, 4);
  options.quick_workers = 1;
  options.work_limit = std::chrono::hours(1);  // commands have limits of their own
  http::Server server(service, options);
  messages << "listening on " << server.url() << "/summary" << std::endl;
  if (!server.run({}, stop)) {
    messages << "gave up on requests that took too long" << std::endl;
    std::_Exit(0);  // workers may still wait: nothing that they use may be destroyed
  }
  return 0;
}

}  // namespace repo_checks

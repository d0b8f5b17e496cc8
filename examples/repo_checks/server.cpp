#include "server.hpp"

#include "report.hpp"

#include <render_cache/entry/error.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <optional>
#include <ostream>
#include <set>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace repo_checks {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using Request = http::request<http::string_body>;
using Response = http::response<http::string_body>;

struct BadRequest : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// What stands after the '?'.
struct Wishes {
  bool force_refresh = false;
  render_cache::GetOptions get{};
};

Wishes parse_wishes(std::string_view query) {
  Wishes wishes;
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

/// Runs on a worker: it may take as long as an evaluation.
class Service {
 public:
  Service(Checks& checks, std::size_t parallel, std::stop_token stop)
      : checks_(checks), parallel_(parallel), stop_(std::move(stop)) {}

  Response answer(const Request& request) const {
    auto [status, body] = judge(request);
    Response response{status, request.version()};
    response.set(http::field::content_type, "application/json");
    response.set(http::field::cache_control, "no-store");
    if (status == http::status::method_not_allowed) response.set(http::field::allow, "GET, HEAD");
    response.keep_alive(false);
    const auto length = body.size();
    if (request.method() != http::verb::head) response.body() = std::move(body);
    response.content_length(length);
    return response;
  }

 private:
  using Answer = std::pair<http::status, std::string>;

  Answer judge(const Request& request) const {
    try {
      if (request.method() != http::verb::get && request.method() != http::verb::head) {
        return {http::status::method_not_allowed, error_json("only GET and HEAD are understood")};
      }
      const std::string_view target(request.target().data(), request.target().size());
      const auto path = target.substr(0, target.find('?'));
      const auto wishes = parse_wishes(target.substr(std::min(path.size() + 1, target.size())));
      constexpr std::string_view one = "/repos/";
      if (path == "/repos") return {http::status::ok, repositories_json(checks_.registry().list())};
      if (path.starts_with(one)) return {http::status::ok, check_one(std::string(path.substr(one.size())), wishes)};
      if (path == "/summary") return {http::status::ok, check_all(wishes)};
      return {http::status::not_found, error_json("there are /repos, /repos/SLUG and /summary")};
    } catch (const BadRequest& error) {
      return {http::status::bad_request, error_json(error.what())};
    } catch (const UnknownSlug& error) {
      return {http::status::not_found, error_json(error.what())};
    } catch (const render_cache::StoreError& error) {
      return {http::status::service_unavailable, error_json(error.what())};
    } catch (const render_cache::Cancelled& error) {
      return {http::status::service_unavailable, error_json(error.what())};
    } catch (const std::exception& error) {
      return {http::status::internal_server_error, error_json(error.what())};
    }
  }

  std::string check_one(const std::string& slug, const Wishes& wishes) const {
    const auto repository = checks_.registry().find(slug);
    return check_json(repository, checks_.check(repository, wishes.force_refresh, wishes.get));
  }
  std::string check_all(const Wishes& wishes) const {
    const auto repositories = checks_.registry().list();
    return summary_json(
        repositories,
        checks_.check_all(repositories,
                          {.each = wishes.get, .refresh = wishes.force_refresh, .parallel = parallel_, .stop = stop_}));
  }

  Checks& checks_;
  std::size_t parallel_;
  std::stop_token stop_;
};

/// One thread for the network, others for the answers. A connection carries one request.
class Server {
 public:
  Server(const Service& service, const tcp::endpoint& place, std::size_t threads)
      : service_(service), workers_(threads), acceptor_(io_, place) {}

  [[nodiscard]] tcp::endpoint place() const { return acceptor_.local_endpoint(); }

  /// Returns when it was told to stop and the last request is answered.
  void run(const std::stop_token& stop) {
    asio::co_spawn(io_, accept(), asio::detached);
    const std::stop_callback on_stop(stop, [this] { asio::post(io_, [this] { close(); }); });
    io_.run();
  }

 private:
  static constexpr std::chrono::seconds patience{30};  // with a client that sends or takes nothing
  static constexpr std::size_t most_connections = 256;

  asio::awaitable<void> accept() {
    while (acceptor_.is_open()) {
      boost::system::error_code error;
      auto socket = co_await acceptor_.async_accept(asio::redirect_error(asio::use_awaitable, error));
      if (error || connections_ >= most_connections) continue;  // closed: the client may try again
      asio::co_spawn(io_, converse(beast::tcp_stream(std::move(socket))), asio::detached);
    }
  }

  asio::awaitable<void> converse(beast::tcp_stream stream) {
    ++connections_;
    try {
      beast::flat_buffer buffer;
      http::request_parser<http::string_body> parser;
      parser.body_limit(0);
      stream.expires_after(patience);
      reading_.insert(&stream);
      co_await http::async_read(stream, buffer, parser, asio::use_awaitable);
      reading_.erase(&stream);
      stream.expires_never();
      const Request request = parser.release();
      const Response response = co_await asio::co_spawn(workers_, answer(request), asio::use_awaitable);
      stream.expires_after(patience);
      co_await http::async_write(stream, response, asio::use_awaitable);
      boost::system::error_code ignored;
      stream.socket().shutdown(tcp::socket::shutdown_send, ignored);
    } catch (const boost::system::system_error&) {
      // the client went away, or sent no HTTP
    }
    reading_.erase(&stream);
    --connections_;
  }

  asio::awaitable<Response> answer(const Request& request) { co_return service_.answer(request); }

  void close() {
    acceptor_.close();
    for (auto* stream : reading_) stream->close();
  }

  const Service& service_;
  asio::io_context io_{1};
  asio::thread_pool workers_;
  tcp::acceptor acceptor_;
  std::set<beast::tcp_stream*> reading_;
  std::size_t connections_ = 0;
};

tcp::endpoint parse_place(const std::string& listen) {
  const auto colon = listen.rfind(':');
  boost::system::error_code error;
  auto address = listen.substr(0, colon);
  if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
  const auto ip = asio::ip::make_address(address, error);
  std::uint16_t port = 0;
  const auto* first = listen.data() + std::min(colon, listen.size() - 1) + 1;
  const auto* last = listen.data() + listen.size();
  if (colon == listen.npos || error || std::from_chars(first, last, port).ptr != last || first == last) {
    throw std::runtime_error("'" + listen + "' is no place to listen: say ADDRESS:PORT, such as 127.0.0.1:8081 or [::1]:8081");
  }
  return {ip, port};
}

}  // namespace

int serve(Checks& checks, const std::string& listen, std::size_t parallel, std::stop_token stop, std::ostream& messages) {
  const Service service(checks, parallel, stop);
  const auto place = parse_place(listen);
  try {
    Server server(service, place, std::max<std::size_t>(parallel, 4));
    messages << "listening on http://" << server.place() << "/summary" << std::endl;
    server.run(stop);
  } catch (const boost::system::system_error& error) {
    throw std::runtime_error("cannot listen on '" + listen + "': " + error.code().message());
  }
  return 0;
}

}  // namespace repo_checks

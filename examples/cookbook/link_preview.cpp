// The title of a page on another server. Its ETag is the fingerprint: a HEAD request says whether the page has changed, and only
// then it is fetched. What is rendered is the body that came with the ETag that is stored.
#include <render_cache/cache.hpp>
#include <render_cache/sql/create_table.hpp>
#include <render_cache/store/sqlite.hpp>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/hana/adapt_struct.hpp>

#include <chrono>
#include <exception>
#include <iostream>
#include <string>

using namespace render_cache;
namespace beast = boost::beast;
namespace http = boost::beast::http;

struct PreviewKey {
  std::string host, target;
  friend bool operator==(const PreviewKey&, const PreviewKey&) = default;
};
struct Preview {
  std::string title;
};
BOOST_HANA_ADAPT_STRUCT(PreviewKey, host, target);
BOOST_HANA_ADAPT_STRUCT(Preview, title);

struct PreviewSchema {
  using key_type = PreviewKey;
  using value_type = Preview;
  static constexpr std::string_view table = "link_previews";
  static constexpr std::string_view fingerprint_column = "fingerprint";
  static constexpr std::string_view rendered_at_column = "fetched_at";
};

struct Link {
  std::string host, port, target;
};

/// One request, answered within five seconds and with at most 1 MiB, or an exception.
http::response<http::string_body> ask(http::verb method, const Link& link) {
  boost::asio::io_context context;
  beast::tcp_stream stream(context);
  stream.expires_after(std::chrono::seconds(5));
  http::request<http::empty_body> request(method, link.target, 11);
  request.set(http::field::host, link.host);
  http::response_parser<http::string_body> parser;
  parser.body_limit(1 << 20);
  parser.skip(method == http::verb::head);
  beast::flat_buffer buffer;

  boost::system::error_code error = boost::asio::error::would_block;
  const auto done = [&](boost::system::error_code result, auto&&...) { error = result; };
  const auto addresses = boost::asio::ip::tcp::resolver(context).resolve(link.host, link.port);
  stream.async_connect(addresses, [&](boost::system::error_code failed, const auto&) {
    if (failed) return done(failed);
    http::async_write(stream, request, [&](boost::system::error_code failed_too, std::size_t) {
      if (failed_too) return done(failed_too);
      http::async_read(stream, buffer, parser, done);
    });
  });
  context.run();
  if (error) throw RenderError(link.host + ":" + link.port + link.target + ": " + error.message());
  if (parser.get().result() != http::status::ok) {
    throw RenderError(link.host + link.target + " answers " + std::to_string(parser.get().result_int()));
  }
  return parser.release();
}

struct EtagHasher {
  Fingerprint components(const Link& link) const { return of(ask(http::verb::head, link)); }

  /// The body together with its own ETag.
  Frozen<std::string> freeze(const Link& link) const {
    auto answer = ask(http::verb::get, link);
    return {of(answer), std::move(answer.body())};
  }

 private:
  static Fingerprint of(const http::response<http::string_body>& answer) {
    const auto etag = answer[http::field::etag];
    if (etag.empty()) throw RenderError("the server sends no ETag: hash the body instead");
    return std::move(Fingerprint().add("etag", std::string_view(etag.data(), etag.size())));
  }
};
static_assert(FreezingHasher<EtagHasher, Link>);

struct TitleRenderer {
  std::string_view version() const { return "title/1"; }
  Preview render(const PreviewKey&, const std::string& html) const {
    const auto start = html.find("<title>"), end = html.find("</title>");
    return {start < end && end != html.npos ? html.substr(start + 7, end - start - 7) : std::string("(no title)")};
  }
};
static_assert(check_renderer<TitleRenderer, PreviewKey, std::string, Preview>());

int main(int argc, char** argv) try {
  if (argc != 5) return std::cerr << "usage: link_preview HOST PORT TARGET CACHE.db\n", 2;

  SqliteStore<PreviewSchema> store({.path = argv[4], .migrations = {create_table<PreviewSchema, SqliteDialect>()}});
  RenderCache cache(TitleRenderer{}, EtagHasher{}, store);

  const Link link{argv[1], argv[2], argv[3]};
  const auto preview = cache.get({link.host + ":" + link.port, link.target}, link);
  std::cout << preview->title << ": " << (preview.hit() ? "hit" : "fetched") << '\n';
} catch (const std::exception& error) {
  return std::cerr << error.what() << '\n', 1;
}

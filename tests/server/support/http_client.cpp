#include "support/http_client.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>

#include <sys/socket.h>
#include <sys/time.h>
#include <zlib.h>

#include <algorithm>
#include <stdexcept>
#include <vector>

namespace render_cache::test {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;

struct HttpClient::Connection {
  asio::io_context context;
  tcp::socket socket{context};
  boost::beast::flat_buffer buffer;
};

HttpClient::HttpClient(std::uint16_t port) : connection_(new Connection) {
  try {
    connection_->socket.connect(tcp::endpoint(asio::ip::address_v4::loopback(), port));
  } catch (...) {
    delete connection_;
    throw;
  }
}
HttpClient::~HttpClient() { delete connection_; }

HttpReply HttpClient::ask(std::string_view target, const HttpFields& fields, std::string_view method) {
  std::string request;
  request.append(method).append(" ").append(target).append(" HTTP/1.1\r\nHost: localhost\r\n");
  for (const auto& [name, value] : fields) request.append(name).append(": ").append(value).append("\r\n");
  send(request + "\r\n");
  return receive(method == "HEAD");
}

void HttpClient::send(std::string_view bytes) { asio::write(connection_->socket, asio::buffer(bytes)); }

HttpReply HttpClient::receive(bool to_head) {
  http::response_parser<http::string_body> parser;
  parser.skip(to_head);
  parser.body_limit(std::uint64_t{1} << 30);
  http::read(connection_->socket, connection_->buffer, parser);
  HttpReply reply{parser.get().result_int(), {}, std::move(parser.get().body())};
  for (const auto& field : parser.get()) {
    std::string name(field.name_string());
    std::ranges::transform(name, name.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    reply.fields[name] = std::string(field.value());
  }
  return reply;
}

void HttpClient::take(std::size_t bytes) {
  std::vector<char> taken(bytes);
  asio::read(connection_->socket, asio::buffer(taken));
}

std::string HttpClient::receive_all() {
  std::string all(static_cast<const char*>(connection_->buffer.data().data()), connection_->buffer.size());
  const int socket = connection_->socket.native_handle();
  const ::timeval limit{10, 0};  // which Asio's own reads do not heed
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  char piece[16384];
  for (ssize_t got; (got = ::recv(socket, piece, sizeof piece, 0)) > 0;) all.append(piece, static_cast<std::size_t>(got));
  return all;
}

HttpReply http_get(std::uint16_t port, std::string_view target, const HttpFields& fields, std::string_view method) {
  return HttpClient(port).ask(target, fields, method);
}

std::string gunzipped(std::string_view packed) {
  ::z_stream stream{};
  constexpr int gzip_format = 16;
  if (inflateInit2(&stream, MAX_WBITS + gzip_format) != Z_OK) throw std::runtime_error("inflateInit2");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  std::string text;
  int code = Z_OK;
  while (code == Z_OK) {
    char piece[16384];
    stream.next_out = reinterpret_cast<Bytef*>(piece);
    stream.avail_out = sizeof piece;
    code = ::inflate(&stream, Z_NO_FLUSH);
    text.append(piece, sizeof piece - stream.avail_out);
  }
  ::inflateEnd(&stream);
  if (code != Z_STREAM_END) throw std::runtime_error("this is not gzip");
  return text;
}

}  // namespace render_cache::test

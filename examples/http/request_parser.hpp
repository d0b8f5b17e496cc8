// Beast's parser, made to keep what this server looks at and nothing else.
#pragma once

#include "message.hpp"
#include "negotiation.hpp"

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/verb.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace http {

/// Fills a Request, whose strings keep their memory from one request to the next: parsing allocates nothing. Bodies are
/// not read; `is_keep_alive` says no where there is one.
class RequestParser final : public boost::beast::http::basic_parser<true> {
  using Error = boost::beast::error_code;
  using Field = boost::beast::http::field;
  using Text = boost::beast::string_view;

 public:
  RequestParser(Request& request, std::size_t max_head_bytes) : request_(request) {
    header_limit(static_cast<std::uint32_t>(max_head_bytes));
    request_.method = Method::other;
    request_.target.clear();
    for (auto* text : {&request_.if_none_match, &request_.authority, &request_.origin, &request_.fetch_site}) text->clear();
    request_.accepts_gzip = false;
  }

  /// HTTP/1.1 asks for exactly one (RFC 9112, section 3.2).
  [[nodiscard]] bool has_proper_host() const noexcept { return hosts_ == 1 || (hosts_ == 0 && is_http_1_0_); }
  [[nodiscard]] bool has_host() const noexcept { return hosts_ > 0 || has_absolute_target_; }
  [[nodiscard]] bool is_http_1_0() const noexcept { return is_http_1_0_; }
  [[nodiscard]] bool is_keep_alive() const { return keep_alive() && !chunked() && content_length().value_or(0) == 0; }

  /// What a Transfer-Encoding other than `chunked` alone is refused with, or 0. Where a body ends has to be the same for this
  /// server and for any proxy in front of it, or what is a body for one is the next request for the other: 400 where the
  /// length cannot be told (RFC 9112, sections 6.1 and 6.3), 501 for a coding that is not understood.
  [[nodiscard]] unsigned bad_framing() const noexcept {
    if (transfer_encodings_ == 0 || (transfer_encodings_ == 1 && is_plainly_chunked_ && !is_http_1_0_)) return 0;
    return ends_in_chunked_ && !is_http_1_0_ ? 501 : 400;
  }

 private:
  static std::string_view view(Text text) noexcept { return {text.data(), text.size()}; }

  void on_request_impl(boost::beast::http::verb method, Text, Text target, int version, Error&) override {
    using boost::beast::http::verb;
    request_.method = method == verb::get    ? Method::get
                      : method == verb::head ? Method::head
                      : method == verb::post ? Method::post
                                             : Method::other;
    take_target(view(target));
    is_http_1_0_ = version == 10;
  }
  /// The absolute form, as sent to proxies, names the host itself, and then the field does not count (RFC 9112, section 3.2.2).
  void take_target(std::string_view target) {
    const auto scheme = target.starts_with('/') ? target.npos : target.find("://");
    has_absolute_target_ = scheme != target.npos;
    if (has_absolute_target_) {
      target.remove_prefix(scheme + 3);
      const auto end = std::min(target.find_first_of("/?#"), target.size());
      request_.authority = target.substr(0, end);
      target.remove_prefix(end);
      if (!target.starts_with('/')) {
        request_.target = "/";
        request_.target += target;
        return;
      }
    }
    request_.target = target;
  }
  void on_field_impl(Field name, Text, Text value, Error&) override {
    if (name == Field::host) {
      ++hosts_;
      if (!has_absolute_target_) request_.authority = view(value);
    }
    if (name == Field::transfer_encoding) {
      ++transfer_encodings_;
      const auto codings = view(value);
      const auto last = codings.rfind(',');
      is_plainly_chunked_ = equals_ignoring_case(codings, "chunked");
      ends_in_chunked_ = last != codings.npos && equals_ignoring_case(trim(codings.substr(last + 1)), "chunked");
    }
    if (name == Field::accept_encoding) request_.accepts_gzip = accepts_gzip(view(value));
    if (name == Field::if_none_match) append(request_.if_none_match, view(value));
    if (name == Field::origin) append(request_.origin, view(value));
    if (name == Field::sec_fetch_site) append(request_.fetch_site, view(value));
  }
  /// Fields of one name are one list (RFC 9110, section 5.3).
  static void append(std::string& list, std::string_view value) {
    if (!list.empty()) list += ", ";
    list += value;
  }

  void on_response_impl(int, Text, int, Error&) override {}
  void on_header_impl(Error&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, Error&) override {}
  std::size_t on_body_impl(Text body, Error&) override { return body.size(); }
  void on_chunk_header_impl(std::uint64_t, Text, Error&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, Text body, Error&) override { return body.size(); }
  void on_finish_impl(Error&) override {}

  Request& request_;
  unsigned hosts_ = 0, transfer_encodings_ = 0;
  bool is_plainly_chunked_ = false, ends_in_chunked_ = false;
  bool is_http_1_0_ = false, has_absolute_target_ = false;
};

/// Whether a line of the head begins with white space. Older agents took it for more of the line before, others take it for a
/// field of its own: it is refused (RFC 9112, sections 2.2 and 5.2).
inline bool has_folded_line(std::string_view head) noexcept {
  for (std::size_t line = 0; line < head.size();) {
    if (head[line] == ' ' || head[line] == '\t') return true;
    const auto end = head.find('\n', line);
    if (end == head.npos) break;
    line = end + 1;
  }
  return false;
}

}  // namespace http

// The wiki: what each address answers.
#pragma once

#include "http/message.hpp"
#include "http/server.hpp"
#include "pages.hpp"
#include "repository.hpp"
#include "response.hpp"

#include <nlohmann/json_fwd.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wiki {

struct RootChoice {
  std::string alias;
  std::filesystem::path folder;
};

/// Three caches, each verified on every read, by what its value is made of:
///
///   pages       Markdown to HTML      the chosen store, with memory in front     the file's content: one stat, a memo
///   outlines    folder to navigation  memory                                     the folder's names, once a second at most
///   responses   page and its branch   memory                                     the fingerprint of the page, a digest of the
///               to bytes on the wire                                             branch, the layout's version
///
/// The third one is what makes a hit cheap: its fingerprint follows from one stat and two look-ups, so an I/O thread answers
/// without asking a store, without laying out or compressing anything, and sends bytes that all its readers share. It is
/// also the memory tier proper; the one in front of a database saves the round trip when only the layout around a page has
/// changed, or when its other encoding is asked for.
///
/// An I/O thread does nothing whose cost grows with the wiki: it answers what is in the third cache, lists of pages among it,
/// and what is of one size whatever the wiki holds. All else is a worker's, and bounded there too.
class Wiki final : public http::Handler {
 public:
  /// `memory`: bytes for responses. Throws FileError for a folder that cannot be read.
  Wiki(const std::vector<RootChoice>& roots, Pages& pages, std::size_t memory);

  std::optional<http::Reply> answer_now(const http::Request& request) noexcept override;
  http::Reply answer(const http::Request& request) noexcept override;
  http::Reply refuse(unsigned status, std::string_view why) noexcept override;

  /// What the server lends: somewhere to run jobs, and its numbers. To be called before the first request.
  void attach(http::Server& server) noexcept { server_ = &server; }
  /// Is told the cause of each answer that is an error of ours (5xx, 403), in a line; may be called from many threads at once. To be
  /// set before the first request.
  void on_error(std::function<void(const std::string&)> tell) { on_error_ = std::move(tell); }

  [[nodiscard]] std::list<Repository>& repositories() noexcept { return repositories_; }
  [[nodiscard]] Pages& pages() noexcept { return pages_; }
  [[nodiscard]] Responses& responses() noexcept { return responses_; }
  [[nodiscard]] nlohmann::json stats();
  [[nodiscard]] std::string metrics() const;

 private:
  struct Route {
    std::optional<http::Reply> reply{};  // there already
    Repository* repository = nullptr;
    Repository::ViewPtr view{};
    std::string path{};
    std::optional<List> list{};  // whose part `part` is asked for
    std::size_t part = 0;
    bool is_page = false;
    bool must_sample = false;
  };

  Route route(const http::Request& request);
  std::optional<http::Reply> own_resource(const http::Request& request, std::string_view name);
  std::optional<std::string> page_of_folder(const render_cache::DocumentRoot& root, const std::string& folder) const;

  std::optional<http::Reply> cached(const http::Request& request, const Route& route);
  http::Reply list(const http::Request& request, const Route& route);
  http::Reply page(const http::Request& request, const Route& route);
  http::Reply file(const http::Request& request, const Route& route);
  http::Reply index() const;
  http::Reply missing(const Route& route);
  http::Reply failure(const Route& route, const std::exception& error);

  Pages& pages_;
  render_cache::MemoryStore<OutlineSchema> outline_store_;
  Outlines outlines_;
  std::list<Repository> repositories_;
  ResponseMemory response_store_;
  Responses responses_;
  http::Server* server_ = nullptr;
  std::function<void(const std::string&)> on_error_{};
  const Repository::Clock::time_point started_ = Repository::Clock::now();

  enum Failure : std::size_t { not_found, forbidden, too_large, render_failed, internal, failures };
  std::array<std::atomic<std::uint64_t>, failures> failures_{};
};

}  // namespace wiki

#include "wiki.hpp"

#include "html.hpp"
#include "http/mime.hpp"
#include "http/negotiation.hpp"
#include "layout.hpp"
#include "metrics.hpp"
#include "stats.hpp"
#include "target.hpp"

#include <render_cache/renderer/markdown/errors.hpp>

#include <nlohmann/json.hpp>

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <exception>
#include <utility>

namespace wiki {
namespace {

using http::Reply;
using http::Request;
using render_cache::DocumentRoot;
using render_cache::FileError;
using render_cache::Miss;
using render_cache::Origin;

Reply html_reply(unsigned status, std::string html) {
  Reply reply = http::make_reply(status, "text/html; charset=utf-8", std::move(html));
  reply.fields = page_fields();
  return reply;
}

Reply redirect(const std::string& url) {
  Reply reply = http::make_reply(302, "text/plain; charset=utf-8", "See " + url + "\n");
  reply.field("Location", url).field("Cache-Control", "no-cache");
  return reply;
}

/// What does not change while the program runs.
Reply resource(const Request& request, std::string_view content_type, std::string_view content, std::string_view version) {
  const std::string etag = '"' + std::string(version) + '"';
  Reply reply;
  reply.field("Content-Type", content_type).field("ETag", etag);
  reply.field("Cache-Control", "public, max-age=86400").field("Content-Security-Policy", http::no_content_policy);
  reply.body = content;
  if (http::names_etag(request.if_none_match, etag)) reply.status = 304;
  return reply;
}

Reply response_reply(const Request& request, render_cache::EntryPtr<Response> entry, std::string_view cache_status) {
  const Response& response = entry->value;
  Reply reply;
  reply.field("Cache-Status", cache_status);
  reply.shared_fields = response.fields;
  if (!request.if_none_match.empty() && http::names_etag(request.if_none_match, response.etag)) {
    reply.status = 304;
  } else {
    reply.body = response.body;
  }
  reply.owner = std::move(entry);
  return reply;
}

/// RFC 9211, of one of the caches that an answer came through. `uri-miss`: nothing was stored; `miss`: what was stored is of
/// another fingerprint or could not be had, and the detail says what. (`stale` would be an answer that had been right and grew
/// too old: ours do not age.)
///
/// The names of components come from the stored text, so they are shown only where they can be part of a header field.
template <class Value>
std::string status_of(std::string_view cache, const render_cache::Outcome<Value>& outcome) {
  std::string status(cache);
  if (outcome.hit()) return status += "; hit";
  status += "; fwd=";
  status += outcome.miss == Miss::absent ? "uri-miss" : "miss";
  if (outcome.stored) status += "; stored";
  if (outcome.origin == Origin::flight) status += "; collapsed";
  if (outcome.miss == Miss::absent) return status;
  const bool names_components =
      outcome.miss == Miss::changed && !outcome.detail.empty() &&
      std::ranges::all_of(outcome.detail, [](char c) { return c > ' ' && c < 0x7f && c != '"' && c != '\\'; });
  status += "; detail=\"";
  status += names_components ? std::string_view(outcome.detail) : to_string(outcome.miss);
  return status += '"';
}

// The caches by their names, from the one next to the source to the one next to the reader.
constexpr std::string_view page_cache = "render_cache", response_cache = "responses";

/// Of a page beyond a limit: too long; too much in some other way, whoever asks and when; or only just now.
unsigned status_of_refusal(const std::exception& error) {
  if (dynamic_cast<const render_cache::MarkdownTooSlow*>(&error) != nullptr) return 503;
  if (dynamic_cast<const render_cache::MarkdownTooLarge*>(&error) != nullptr) return 413;
  return dynamic_cast<const render_cache::RenderRefused*>(&error) != nullptr ? 422 : 500;
}

bool is_file(const DocumentRoot& root, const std::string& path) {
  struct ::stat state;
  return root.stat(path, state) && S_ISREG(state.st_mode);
}

bool is_folder(const DocumentRoot& root, const std::string& path) {
  struct ::stat state;
  return root.stat(path, state) && S_ISDIR(state.st_mode);
}

render_cache::PrometheusObserver response_metrics(const Pages& pages) {
  return render_cache::PrometheusObserver(pages.metrics(), {{"cache", "responses"}});
}

}  // namespace

Wiki::Wiki(const std::vector<RootChoice>& roots, Pages& pages, std::size_t memory)
    : pages_(pages), outline_store_({.capacity = std::size_t{64} << 20, .shards = 1}),
      outlines_(OutlineRenderer(), OutlineHasher(), outline_store_),
      response_store_({.capacity = memory}, response_metrics(pages)),
      responses_(ResponseRenderer(), ResponseHasher(), response_store_, {}, response_metrics(pages)) {
  for (const auto& [alias, folder] : roots) repositories_.emplace_back(alias, folder, outlines_);
}

// -- from an address to what answers it -----------------------------------------------------------------------------------------

std::optional<Reply> Wiki::answer_now(const Request& request) noexcept {
  Route route;
  try {
    route = this->route(request);
    if (route.reply) return std::move(route.reply);
    return route.must_sample ? std::nullopt : cached(request, route);
  } catch (const std::exception& error) {
    return failure(route, error);
  }
}

Reply Wiki::answer(const Request& request) noexcept {
  Route route;
  try {
    route = this->route(request);
    if (route.must_sample) {
      route.repository->sample();
      route = this->route(request);
    }
    if (route.reply) return std::move(*route.reply);
    if (route.list) return list(request, route);
    return route.is_page ? page(request, route) : file(request, route);
  } catch (const std::exception& error) {
    return failure(route, error);
  }
}

Wiki::Route Wiki::route(const Request& request) {
  Route route;
  if (request.method != http::Method::get && request.method != http::Method::head) {
    route.reply = refuse(405, "This server only answers GET and HEAD.");
    route.reply->field("Allow", "GET, HEAD");
    return route;
  }
  Target target = parse_target(request.target);
  if (target.problem == Target::Problem::malformed) {
    route.reply = refuse(400, "This is no address of a page. Each name in it must be valid UTF-8, percent-encoded.");
    return route;
  }
  if (target.problem == Target::Problem::none) {
    if (target.alias.empty() && repositories_.size() == 1) {  // a list would have nothing to choose from
      target.alias = repositories_.front().alias();
      target.has_path = true;
    } else if (target.alias.empty()) {
      route.reply = index();
      return route;
    }
    if (target.alias == "-" && (route.reply = own_resource(request, target.path))) return route;
    const auto at = std::ranges::find(repositories_, target.alias, &Repository::alias);
    route.repository = at == repositories_.end() ? nullptr : &*at;
    // Where Prometheus looks unless it is told otherwise.
    if (route.repository == nullptr && target.alias == "metrics" && !target.has_path) {
      route.reply = own_resource(request, "metrics");
      return route;
    }
  }
  if (route.repository == nullptr) {
    route.reply = missing(route);
    return route;
  }
  if (!target.has_path) {
    route.reply = redirect(url_of(target.alias, ""));
    return route;
  }

  route.path = std::move(target.path);
  route.view = route.repository->view();
  const auto age = Repository::age_of(*route.view);
  route.must_sample = age == Repository::Age::old;
  if (age == Repository::Age::ageing && server_ != nullptr && route.repository->claim_sampling()) {
    server_->post([repository = route.repository] { repository->sample(); });
  }
  route.part = target.part;
  const bool is_folder = route.path.empty() || route.path.ends_with('/');
  if (is_folder && route.part == 0) {
    if (auto path = page_of_folder(*route.view->root, route.path)) {
      route.path = std::move(*path);
      route.is_page = true;
      return route;
    }
    route.part = 1;
  }
  if (route.part > 0) route.list = list_at(route.path, *route.view->tree);
  if (route.list && route.part > std::max<std::size_t>(route.list->parts(), 1)) route.list.reset();
  route.is_page = !is_folder && is_page(route.path);
  return route;
}

std::optional<Reply> Wiki::own_resource(const Request& request, std::string_view name) {
  if (name == "style.css") return resource(request, "text/css; charset=utf-8", style_sheet(), layout_version());
  if (name == "icon.svg") return resource(request, "image/svg+xml", icon(), layout_version());
  std::optional<Reply> reply;
  if (name == "stats") reply = http::make_reply(200, "application/json", stats().dump(2) + "\n");
  if (name == "metrics") reply = http::make_reply(200, metrics_content_type, metrics());
  if (reply) reply->field("Cache-Control", "no-store");
  return reply;
}

/// README.md and index.md; at the root also SUMMARY.md, the table of contents of a book without any other first page.
std::optional<std::string> Wiki::page_of_folder(const DocumentRoot& root, const std::string& folder) const {
  for (const char* name : {"README.md", "index.md"}) {
    if (auto path = folder + name; is_file(root, path)) return path;
  }
  return folder.empty() && is_file(root, "SUMMARY.md") ? std::optional<std::string>("SUMMARY.md") : std::nullopt;
}

// -- answers --------------------------------------------------------------------------------------------------------------------

/// The hit: one stat, two look-ups, no lock that a render holds.
std::optional<Reply> Wiki::cached(const Request& request, const Route& route) {
  const auto& tree = *route.view->tree;
  ResponseKey key{route.repository->alias(), route.path, 0, request.accepts_gzip};
  render_cache::Fingerprint now;
  if (route.list) {
    key.path = route.list->path;
    key.part = route.part;
    now = responses_.fingerprint(ListSource{*route.list, route.view->tree});
  } else if (route.is_page) {
    const auto page = pages_.fingerprint_near({route.view->root, route.path});
    if (!page) return std::nullopt;
    now = responses_.fingerprint(PageSample{*page, tree.branch(tree.standing(route.path).place)});
  } else {
    return std::nullopt;
  }
  auto found = responses_.find_near(key, now);
  if (!found) return std::nullopt;
  static const auto page_hit = std::string(page_cache) + "; hit, " + std::string(response_cache) + "; hit";
  return response_reply(request, std::move(found.entry), route.list ? status_of(response_cache, found) : page_hit);
}

Reply Wiki::list(const Request& request, const Route& route) {
  auto response = responses_.get({route.repository->alias(), route.list->path, route.part, request.accepts_gzip},
                                 ListSource{*route.list, route.view->tree});
  const auto status = status_of(response_cache, response);
  return response_reply(request, std::move(response.entry), status);
}

Reply Wiki::page(const Request& request, const Route& route) {
  const auto page = pages_.get({route.repository->alias(), route.path}, {route.view->root, route.path});
  const auto& tree = route.view->tree;
  auto response = responses_.get({route.repository->alias(), route.path, 0, request.accepts_gzip},
                                 PageSource{page.entry, tree, tree->standing(route.path)});
  const auto status = status_of(page_cache, page) + ", " + status_of(response_cache, response);
  return response_reply(request, std::move(response.entry), status);
}

/// A file that is no page, or an address that is nearly one.
Reply Wiki::file(const Request& request, const Route& route) {
  const auto& root = *route.view->root;
  const auto& alias = route.repository->alias();
  if (route.path.empty() || route.path.ends_with('/')) return missing(route);  // a folder with nothing to list
  if (is_folder(root, route.path)) return redirect(url_of(alias, route.path + "/"));
  if (!is_file(root, route.path)) {
    // Books link to what they are built into; the browser keeps the fragment.
    const bool html = route.path.ends_with(".html");
    const auto stem = html ? route.path.substr(0, route.path.size() - 5) : route.path;
    if (is_file(root, stem + ".md")) return redirect(url_of(alias, stem + ".md"));
    if (html && http::extension_of(stem).empty() && (stem == "index" || stem.ends_with("/index"))) {
      return redirect(url_of(alias, stem.substr(0, stem.size() - 5)));
    }
    return missing(route);
  }
  http::FileBody body{root.open(route.path)};
  struct ::stat state;
  if (::fstat(body.file.get(), &state) != 0) root.fail(errno, route.path);
  body.bytes = static_cast<std::uint64_t>(state.st_size);
  const std::string etag = '"' + std::to_string(state.st_ino) + '-' + std::to_string(state.st_size) + '-' +
                           std::to_string(state.st_mtim.tv_sec) + '.' + std::to_string(state.st_mtim.tv_nsec) + '"';
  Reply reply;
  // Whoever wrote the file, nothing in it runs, and no form in it can be sent as if from this site.
  reply.field("Content-Type", http::media_type(route.path))
      .field("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; sandbox")
      .field("Cache-Control", "no-cache")
      .field("ETag", etag);
  if (http::names_etag(request.if_none_match, etag)) {
    reply.status = 304;
  } else {
    reply.file = std::move(body);
  }
  return reply;
}

Reply Wiki::index() const {
  std::vector<RepositoryLine> lines;
  for (const auto& repository : repositories_) {
    const auto view = repository.view();
    lines.push_back({repository.alias(), std::string(view->tree->title()), view->tree->pages()});
  }
  return html_reply(200, index_page(lines));
}

Reply Wiki::missing(const Route& route) {
  failures_[not_found].fetch_add(1, std::memory_order_relaxed);
  ErrorParts parts{.status = 404,
                   .title = "There is no such page",
                   .explanation = "The address may be mistyped, or the page may have been moved or removed.",
                   .suggest = true};
  if (route.repository != nullptr && route.view) {
    parts.alias = route.repository->alias();
    parts.path = route.path;
    parts.tree = route.view->tree.get();
  }
  return html_reply(404, error_page(parts));
}

Reply Wiki::failure(const Route& route, const std::exception& error) {
  const auto count = [&](Failure kind) { failures_[kind].fetch_add(1, std::memory_order_relaxed); };
  ErrorParts parts{
      .status = 500, .title = "This page cannot be shown", .explanation = "An internal error; the server's log says more."};
  if (const auto* file = dynamic_cast<const FileError*>(&error)) {
    switch (file->kind) {
      case FileError::Kind::not_found:
      case FileError::Kind::not_a_file:
      case FileError::Kind::outside: return missing(route);
      case FileError::Kind::unreadable:
        count(forbidden);
        parts.status = 403;
        parts.explanation = "The server may not read the page's file. Whoever runs it can allow that.";
        break;
      case FileError::Kind::too_large:
        count(too_large);
        parts.status = 413;
        static_assert(render_cache::FileHasherOptions{}.max_bytes == std::size_t{64} << 20);
        parts.explanation = "The page's file is larger than the 64 MiB that are read of any: split it.";
        break;
      case FileError::Kind::torn:
        count(internal);
        parts.status = 503;
        parts.explanation = "The page's file is being written to just now. Try again in a moment.";
        break;
    }
  } else if (dynamic_cast<const render_cache::InvalidKey*>(&error) != nullptr) {
    parts.status = 414;
    parts.explanation = "The page's address is too long.";
  } else if (dynamic_cast<const render_cache::RenderError*>(&error) != nullptr) {
    count(render_failed);
    parts.status = status_of_refusal(error);
    parts.explanation = error.what();  // limits: what the page has, what it may, and what to do
  } else {
    count(internal);
  }
  if ((parts.status >= 500 || parts.status == 403) && on_error_) {  // what whoever runs this can mend
    const auto alias = route.repository != nullptr ? route.repository->alias() : std::string();
    on_error_(std::to_string(parts.status) + " for '" + alias + '/' + route.path + "': " + error.what());
  }
  if (route.repository != nullptr && route.view) {
    parts.alias = route.repository->alias();
    parts.path = route.path;
    parts.tree = route.view->tree.get();
  }
  auto reply = html_reply(parts.status, error_page(parts));
  if (parts.status == 503) reply.field("Retry-After", "2");
  return reply;
}

Reply Wiki::refuse(unsigned status, std::string_view why) noexcept {
  return html_reply(status, error_page({.status = status, .title = "This request cannot be answered", .explanation = why}));
}

std::string Wiki::metrics() const {
  return metrics_text(pages_.metrics(), server_ != nullptr ? server_->stats() : http::ServerStats{}, response_store_.stats());
}

nlohmann::json Wiki::stats() {
  const http::ServerStats server = server_ != nullptr ? server_->stats() : http::ServerStats{};
  nlohmann::json repositories;
  for (const auto& repository : repositories_) repositories[repository.alias()] = {{"unreadable", repository.failures()}};
  const auto failure = [&](Failure kind) { return failures_[kind].load(std::memory_order_relaxed); };
  return {
      {"uptime_seconds", std::chrono::duration<double>(Repository::Clock::now() - started_).count()},
      {"server",
       {{"connections", server.connections},
        {"open", server.open},
        {"requests", server.requests},
        {"answered_at_once", server.answered_at_once},
        {"bytes_sent", server.bytes_sent},
        {"timeouts", server.timeouts},
        {"made_room", server.made_room},
        {"refused", server.refused},
        {"shed", server.shed},
        {"left", server.left},
        {"replies",
         {{"2xx", server.statuses[2]}, {"3xx", server.statuses[3]}, {"4xx", server.statuses[4]}, {"5xx", server.statuses[5]}}}}},
      {"errors",
       {{"not_found", failure(not_found)},
        {"forbidden", failure(forbidden)},
        {"too_large", failure(too_large)},
        {"render_failed", failure(render_failed)},
        {"internal", failure(internal)}}},
      {"pages", to_json(pages_.stats())},
      {"store", pages_.store_stats()},
      {"outlines", to_json(outlines_.stats())},
      {"responses", to_json(responses_.stats())},
      {"response_memory", memory_to_json(response_store_.stats())},
      {"repositories", repositories}};
}

}  // namespace wiki

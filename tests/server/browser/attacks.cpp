// What a hostile author writes, in a real browser: nothing of it runs. The control is the same text as md4c's own HTML on a server
// that sends no policy: there each of them runs, or the test is none.
#include "browser/chromium.hpp"
#include "browser/payloads.hpp"
#include "html.hpp"
#include "support/catch.hpp"
#include "support/own_server.hpp"
#include "support/wait_until.hpp"
#include "support/wiki_process.hpp"

#include <md4c-html.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cstddef>
#include <iterator>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace attacks_tests {

using namespace render_cache::test;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

/// `/beacon/17`, which it remembers, and what it was given for other addresses.
class Elsewhere final : public http::Handler {
 public:
  std::optional<http::Reply> answer_now(const http::Request& request) noexcept override {
    const std::lock_guard lock(mutex_);
    if (constexpr std::string_view beacon = "/beacon/"; request.target.starts_with(beacon)) {
      asked_.insert(std::stoi(request.target.substr(beacon.size())));
      http::Reply reply;
      reply.field("Content-Type", "text/javascript").field("Access-Control-Allow-Origin", "*");
      return reply;
    }
    const auto at = documents_.find(request.target);
    if (at == documents_.end()) return refuse(404, "");
    http::Reply reply;
    reply.field("Content-Type", at->second.type);
    if (!at->second.policy.empty()) reply.field("Content-Security-Policy", at->second.policy);
    reply.body = at->second.content;  // which stays where it is
    return reply;
  }
  http::Reply answer(const http::Request&) noexcept override { return refuse(404, ""); }
  http::Reply refuse(unsigned status, std::string_view) noexcept override { return {.status = status}; }

  struct Document {
    std::string type, policy, content;  ///< no policy where it is empty
  };
  void put(const std::string& target, Document document) {
    const std::lock_guard lock(mutex_);
    documents_.emplace(target, std::move(document));
  }
  std::set<int> asked() {
    const std::lock_guard lock(mutex_);
    return asked_;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, Document> documents_{{"/host", {"text/html", "", "<!DOCTYPE html><body>"}}};
  std::set<int> asked_;
};

/// The same text with a number of its own.
std::string numbered(std::string_view text, int number, const std::string& beacon) {
  std::string result(text);
  const auto replace = [&](std::string_view what, const std::string& by) {
    for (std::size_t at; (at = result.find(what)) != result.npos;) result.replace(at, what.size(), by);
  };
  replace("BEACON", beacon);
  replace("NN", std::to_string(number));
  return result;
}

std::string bare_html(const std::string& markdown) {
  std::string html;
  const auto append = [](const char* text, MD_SIZE size, void* to) { static_cast<std::string*>(to)->append(text, size); };
  md_html(markdown.data(), static_cast<MD_SIZE>(markdown.size()), append, &html, MD_DIALECT_GITHUB, 0);
  return html;
}

/// What a reader may do with a page or with the frames in it, and what scripts do that read and write HTML.
constexpr std::string_view use = R"((() => {
  const use = (document, names) => {
    for (let number = 1; number < 500; ++number) {
      if (names["clobber" + number] ?? document["clobber" + number]) ran(number);
    }
    for (const each of (document.querySelector("article") ?? document).querySelectorAll("*")) {
      const dressed = /dress(\d+)/.exec(each.textContent);
      if (dressed && getComputedStyle(each).position !== "static") ran(dressed[1]);
      if (/^https?:/.test(each.protocol)) each.addEventListener("click", event => event.preventDefault());  // would lead away
      for (const type of ["mouseover", "mouseenter", "focus", "copy"]) each.dispatchEvent(new Event(type, {bubbles: true}));
      each.dispatchEvent(new MouseEvent("click", {bubbles: true, cancelable: true}));
    }
    const text = document.querySelector("article") ?? document.body;
    for (let time = 0; text && time < 2; ++time) text.innerHTML = text.innerHTML;
  };
  const frames = [...document.querySelectorAll("iframe.mine")];
  if (frames.length === 0) return use(document, window);
  for (const {contentDocument, contentWindow} of frames) {
    try { use(contentDocument, contentWindow); } catch {}  // it has gone elsewhere
  }
})())";

/// A browser, and what gets through to it.
class Reader {
 public:
  /// Begins when the beacons of one before have all arrived.
  explicit Reader(Elsewhere& elsewhere) : elsewhere_(elsewhere) {
    do {
      asked_before_ = elsewhere.asked();
      std::this_thread::sleep_for(milliseconds(500));
    } while (elsewhere.asked() != asked_before_);
  }
  Chromium browser;

  /// One after the other.
  Reader& visit(const std::vector<std::string>& urls) {
    for (const auto& url : urls) {
      browser.open(url);
      act(milliseconds(50));
    }
    return *this;
  }
  /// As frames of a page of the same site: many at once, for each visit takes long. With patience for so long until all of them have
  /// got through, whose numbers their names begin with, and those that have not once more: what was used half loaded, since the
  /// machine stood still, may be beyond it. Without, until nothing more does.
  Reader& visit_framed(const std::string& host, std::vector<std::string> urls, milliseconds patience = milliseconds(0)) {
    constexpr std::size_t at_once = 48;
    for (bool again = patience.count() > 0;; again = false) {
      for (std::size_t first = 0; first < urls.size(); first += at_once) {
        frame(host, std::span(urls).subspan(first, std::min(at_once, urls.size() - first)), patience);
      }
      if (!again) return *this;
      const auto numbers = through();
      std::erase_if(urls, [&](const std::string& url) { return numbers.contains(number_of(url)); });
    }
  }
  /// The numbers of those that got through.
  std::set<int> result() {
    browser.open("about:blank");
    browser.listen_for(milliseconds(200));
    return through();
  }

 private:
  static int number_of(const std::string& url) { return std::stoi(url.substr(url.rfind('/') + 1)); }

  void frame(const std::string& host, std::span<const std::string> urls, milliseconds patience) {
    browser.open(host);
    wait_until([&] {  // a busy machine takes longer than `open` waits
      return browser.evaluate("document.readyState === 'complete' && location.href === " + nlohmann::json(host).dump()) == true;
    });
    browser.evaluate("loaded = 0; for (const url of " + nlohmann::json(urls).dump() + R"() {
      const frame = document.createElement("iframe");
      Object.assign(frame, {className: "mine", width: 1000, height: 10, src: url, onload: () => ++loaded});
      document.body.append(frame);
    })");
    for (int time = 0; time < 100 && browser.evaluate("loaded") < urls.size(); ++time) browser.listen_for(milliseconds(20));
    const auto until = std::chrono::steady_clock::now() + patience;
    const auto all_through = [&] {
      const auto numbers = through();
      return std::ranges::all_of(urls, [&](const std::string& url) { return numbers.contains(number_of(url)); });
    };
    do act(milliseconds(500));
    while (std::chrono::steady_clock::now() < until && !all_through());
  }
  std::set<int> through() {
    auto numbers = browser.ran();
    std::ranges::set_difference(elsewhere_.asked(), asked_before_, std::inserter(numbers, numbers.end()));
    return numbers;
  }
  /// Until nothing more has got through for so long.
  void act(milliseconds quiet) {
    browser.tell("Runtime.evaluate", {{"expression", use}});  // which may lead away from the page
    const auto got = [&] { return browser.ran().size() + elsewhere_.asked().size(); };
    std::size_t before = 0;
    do {
      before = got();
      browser.listen_for(quiet);
    } while (got() > before);
  }
  Elsewhere& elsewhere_;
  std::set<int> asked_before_;
};

/// The hostile files of one kind.
struct Author {
  const TemporaryDirectory& files;
  const std::string& beacon;
  int& number;

  struct Source {
    int number;
    std::string name, text;
  };
  std::vector<Source> sources{};

  void write(std::string_view text, std::string_view extension) {
    ++number;
    sources.push_back({number, std::to_string(number) + '.' + std::string(extension), numbered(text, number, beacon)});
    files.write("root/" + sources.back().name, sources.back().text);
  }
};

}  // namespace

TEST_CASE("nothing of two hundred hostile pages and files gets through, where without protection all of it does", "[server]") {
  const TemporaryDirectory files;
  OwnServer<Elsewhere> elsewhere({.threads = 1, .workers = 1});
  const auto beacon = elsewhere.url() + "/beacon";
  int number = 0;
  Author stopped_twice{files, beacon, number}, stopped_once{files, beacon, number}, raw{files, beacon, number};
  for (const auto text : payloads::pages) stopped_twice.write(text, "md");
  for (const auto text : payloads::pages_that_no_policy_stops) stopped_once.write(text, "md");
  for (const auto& [extension, text] : payloads::files) raw.write(text, extension);
  files.write("root/fine.md", "# Fine\n");
  const WikiServer wiki({"--root", "site=" + (files / "root").string()});
  const auto at_wiki = "http://127.0.0.1:" + std::to_string(wiki.port()) + "/site/";
  const auto policy = wiki.get("/site/fine.md").field("content-security-policy");
  REQUIRE_FALSE(policy.empty());

  // The same without the renderer, and without the policy as well; there the site's style sheet is for all.
  elsewhere.handler.put("/style.css", {"text/css", "", wiki.get("/-/style.css").body});
  std::vector<std::string> bare, policed, rendered, sent;
  std::set<int> all;
  const auto put = [&](const std::string& target, Elsewhere::Document document) {
    elsewhere.handler.put(target, std::move(document));
    return elsewhere.url() + target;
  };
  for (const auto* author : {&stopped_twice, &stopped_once}) {
    for (const auto& [its_number, name, text] : author->sources) {
      const auto html = "<!DOCTYPE html><link rel=stylesheet href=/style.css><body>" + bare_html(text);
      bare.push_back(put("/bare/" + name, {"text/html; charset=utf-8", "", html}));
      if (author == &stopped_twice) policed.push_back(put("/policed/" + name, {"text/html; charset=utf-8", policy, html}));
      rendered.push_back(at_wiki + name);
      all.insert(its_number);
    }
  }
  for (const auto& [its_number, name, text] : raw.sources) {
    bare.push_back(put("/bare/" + name, {wiki.get("/site/" + name).field("content-type"), "", text}));
    sent.push_back(at_wiki + name);
    all.insert(its_number);
  }
  CHECK(all.size() >= 200);

  CHECK(Reader(elsewhere.handler).visit_framed(elsewhere.url() + "/host", bare, seconds(10)).result() == all);
  CHECK(Reader(elsewhere.handler).visit_framed(elsewhere.url() + "/host", policed).result().empty());
  Reader reader(elsewhere.handler);
  CHECK(reader.visit(sent).result().empty());
  reader.browser.call("Page.setBypassCSP", {{"enabled", true}});  // now the renderer stands alone
  CHECK(reader.visit_framed(at_wiki + "fine.md", rendered).result().empty());
}

TEST_CASE("titles, names of files and folders, and addresses are shown as they are, and none of it gets through", "[server]") {
  const TemporaryDirectory files;
  OwnServer<Elsewhere> elsewhere({.threads = 1, .workers = 1});
  int number = 0;
  std::set<int> all;
  std::vector<std::string> bare;
  const auto next = [&](std::string_view text) {
    auto result = numbered(text, ++number, "");
    all.insert(number);
    const auto target = "/bare/" + std::to_string(number);
    elsewhere.handler.put(
        target, {"text/html", "",
                 "<!DOCTYPE html><title>" + result + "</title><body><h1 title=\"" + result + "\">x</h1><p title='" + result +
                     "'>" + result + "</p><p title=" + result + ">x</p><a href=\"" + result + "\">x</a>"});
    bare.push_back(elsewhere.url() + target);
    return result;
  };
  const auto in_yaml = [](std::string text) {
    for (std::size_t at = 0; (at = text.find('\'', at)) != text.npos; at += 2) text.insert(at, 1, '\'');
    return "---\ntitle: '" + text + "'\n---\n";
  };
  const auto in_markdown = [](const std::string& text) {
    std::string escaped;
    for (const char c : text) escaped.append(std::ispunct(static_cast<unsigned char>(c)) != 0 ? "\\" : "").push_back(c);
    return escaped;
  };
  std::vector<std::string> targets{"/", "/files/", "/book/"};
  const auto write = [&](const std::string& path, const std::string& content) {
    files.write("root/" + path, content);
    targets.push_back(wiki::url_of("files", path));
  };
  std::string summary = "# " + in_markdown(next(payloads::texts[0])) + "\n\n";
  for (const auto text : payloads::texts) {
    write("front matter/" + std::to_string(number) + ".md", in_yaml(next(text)));
    write("headings/" + std::to_string(number) + ".md",
          "# " + in_markdown(next(text)) + "\n\n## " + in_markdown(next(text)) + "\n\n## x\n");
    write("files/" + next(text) + ".md", "");
    write("folders/" + next(text) + "/page.md", "");
    targets.push_back(wiki::url_of("files", "files/" + next(text) + ".md"));  // there is none: that is told, and what is near
    targets.push_back(wiki::url_of(next(text), ""));
    summary += "- [" + in_markdown(next(text)) + "](" + std::to_string(number) + ".md)\n";
    files.write("book/" + std::to_string(number) + ".md", "");
    targets.push_back("/book/" + std::to_string(number) + ".md");
  }
  files.write("book/SUMMARY.md", summary);
  const WikiServer wiki({"--root", "files=" + (files / "root").string(), "--root", "book=" + (files / "book").string()});
  std::vector<std::string> shown;
  for (const auto& target : targets) shown.push_back("http://127.0.0.1:" + std::to_string(wiki.port()) + target);
  CHECK_THAT(wiki.get("/book/").body, ContainsSubstring("&lt;img src=x onerror=ran(1)&gt;"));

  CHECK(Reader(elsewhere.handler).visit_framed(elsewhere.url() + "/host", bare, seconds(10)).result() == all);
  Reader reader(elsewhere.handler);
  reader.browser.call("Page.setBypassCSP", {{"enabled", true}});
  CHECK(reader.visit_framed(shown.front(), shown).result().empty());
}

}  // namespace attacks_tests

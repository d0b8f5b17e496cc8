#include "browser/chromium.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <tuple>
#include <utility>
#include <vector>

namespace render_cache::test {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;

Chromium::Chromium() {
  start();
  const auto tab = call("Target.createTarget", {{"url", "about:blank"}});
  session_ = call("Target.attachToTarget", {{"targetId", tab["targetId"]}, {"flatten", true}})["sessionId"];
  call("Page.enable");
  call("Runtime.enable");
  call("Runtime.addBinding", {{"name", "tell"}});
  call("Page.addScriptToEvaluateOnNewDocument", {{"source", "globalThis.ran = number => tell(String(number))"}});
}

Chromium::~Chromium() {
  ::close(to_);
  ::close(from_);
  ::kill(-process_, SIGKILL);
  ::waitpid(process_, nullptr, 0);
}

void Chromium::start() {
  const auto profile = "--user-data-dir=" + profile_.path().string();
  std::vector<std::string> command{RENDER_CACHE_BROWSER,
                                   "--headless",
                                   "--remote-debugging-pipe",
                                   "--no-sandbox",
                                   "--disable-gpu",
                                   "--window-size=1280,900",
                                   "--disable-quic",
                                   "--no-first-run",
                                   "--disable-background-networking",
                                   "--disable-component-update",
                                   "--disable-sync",
                                   "--disable-extensions",
                                   "--disable-background-timer-throttling",
                                   "--disable-features=IsolateSandboxedIframes",  // whose scripts are another target's
                                   profile};
  std::vector<char*> raw;
  for (auto& argument : command) raw.push_back(argument.data());
  raw.push_back(nullptr);
  int there[2], back[2];
  if (::pipe2(there, O_CLOEXEC) != 0 || ::pipe2(back, O_CLOEXEC) != 0) throw std::runtime_error("no pipe for the browser");
  process_ = ::fork();
  if (process_ < 0) throw std::runtime_error("no process for the browser");
  if (process_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::setpgid(0, 0);
    const int quiet = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(quiet, fd);
    // It reads from 3 and writes to 4, where what is meant for the other may be now.
    const int reads = ::fcntl(there[0], F_DUPFD, 10), writes = ::fcntl(back[1], F_DUPFD, 10);
    ::dup2(reads, 3);
    ::dup2(writes, 4);
    ::execv(raw.front(), raw.data());
    ::_exit(127);
  }
  ::setpgid(process_, process_);
  ::close(there[0]);
  ::close(back[1]);
  to_ = there[1];
  from_ = back[0];
}

int Chromium::tell(const std::string& method, json parameters) {
  json message{{"id", ++last_id_}, {"method", method}, {"params", std::move(parameters)}};
  if (!session_.empty()) message["sessionId"] = session_;
  auto text = message.dump(-1, ' ', true);
  text.push_back('\0');
  for (std::size_t sent = 0; sent < text.size();) {
    const auto more = ::write(to_, text.data() + sent, text.size() - sent);
    if (more < 0 && errno != EINTR) throw std::runtime_error("the browser is gone");
    if (more > 0) sent += static_cast<std::size_t>(more);
  }
  return last_id_;
}

json Chromium::next(Clock::time_point until) {
  std::size_t end;
  while ((end = received_.find('\0')) == received_.npos) {
    const auto left = std::chrono::ceil<milliseconds>(until - Clock::now());
    ::pollfd event{from_, POLLIN, 0};
    if (left <= milliseconds(0) || ::poll(&event, 1, static_cast<int>(left.count())) == 0) return nullptr;
    char piece[16384];
    const auto got = ::read(from_, piece, sizeof piece);
    if (got == 0 || (got < 0 && errno != EINTR)) throw std::runtime_error("the browser has ended");
    if (got > 0) received_.append(piece, static_cast<std::size_t>(got));
  }
  const auto message = json::parse(received_.substr(0, end));
  received_.erase(0, end + 1);
  const auto method = message.value("method", "");
  if (method == "Runtime.bindingCalled") ran_.insert(std::stoi(message["params"]["payload"].get<std::string>()));
  if (method == "Page.loadEventFired") loaded_ = true;
  if (method == "Page.javascriptDialogOpening") tell("Page.handleJavaScriptDialog", {{"accept", true}});
  return message;
}

json Chromium::call(const std::string& method, json parameters) {
  const int id = tell(method, std::move(parameters));
  for (const auto until = Clock::now() + seconds(30);;) {
    const auto message = next(until);
    if (message.is_null()) throw std::runtime_error("the browser does not answer " + method);
    if (message.value("id", 0) != id) continue;
    if (message.contains("error")) throw std::runtime_error(method + ": " + message["error"].dump());
    return message["result"];
  }
}

void Chromium::open(const std::string& url) {
  loaded_ = false;
  call("Page.navigate", {{"url", url}});
  for (const auto until = Clock::now() + seconds(2); !loaded_ && !next(until).is_null();) {
  }
}

json Chromium::evaluate(const std::string& expression) {
  const auto result = call("Runtime.evaluate", {{"expression", expression}, {"returnByValue", true}});
  if (result.contains("exceptionDetails")) throw std::runtime_error(result["exceptionDetails"].dump());
  return result["result"].value("value", json());
}

void Chromium::listen_for(milliseconds time) {
  for (const auto until = Clock::now() + time; !next(until).is_null();) {
  }
}

}  // namespace render_cache::test

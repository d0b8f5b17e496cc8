// A server that falls silent at a moment of the test's choice: a proxy between a client and PostgreSQL's Unix socket.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <limits>
#include <list>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace render_cache::test {

/// Takes connections in a directory of its own and passes on what is said, until it is told to fall silent: then nothing more comes
/// through, while all connections stay and new ones are taken. Thread-safe.
class SilentProxy {
 public:
  explicit SilentProxy(std::string server_socket) : server_(std::move(server_socket)) {
    std::string path = (std::filesystem::temp_directory_path() / "render_cache_XXXXXX").string();
    if (mkdtemp(path.data()) == nullptr) throw std::runtime_error("no temporary directory can be made at " + path);
    directory_ = path;
    const auto address = address_of(directory_ + "/.s.PGSQL.5432");
    listener_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 || listen(listener_, 64) != 0) {
      throw std::runtime_error("the proxy cannot listen at " + directory_);
    }
    if (pipe2(wake_.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    thread_ = std::thread([this] { run(); });
  }
  SilentProxy(const SilentProxy&) = delete;
  SilentProxy& operator=(const SilentProxy&) = delete;
  ~SilentProxy() {
    close(wake_[1]);
    thread_.join();
    for (const auto& one : conversations_) one.end();
    close(wake_[0]);
    close(listener_);
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }

  /// What goes into a connection string in place of the server's.
  [[nodiscard]] const std::string& host() const noexcept { return directory_; }

  /// Passes on that many pieces of what clients say from now on, and the server's answers to all but the last of them.
  void fall_silent_after(int pieces) { left_ = pieces; }
  /// New connections are heard again. Those that met silence stay in it.
  void speak() { left_ = std::numeric_limits<int>::max(); }
  [[nodiscard]] bool is_silent() const { return left_ <= 0; }

 private:
  struct Conversation {
    int client, server;
    bool silent;
    void end() const {
      close(client);
      if (server >= 0) close(server);
    }
  };

  static sockaddr_un address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) throw std::runtime_error("too long for a socket: " + path);
    std::memcpy(address.sun_path, path.c_str(), path.size());
    return address;
  }

  void run() {
    while (true) {
      std::vector<pollfd> watched{{wake_[0], POLLIN, 0}, {listener_, POLLIN, 0}};
      for (const auto& one : conversations_) {
        watched.push_back({one.client, static_cast<short>(one.silent ? 0 : POLLIN), 0});
        watched.push_back({one.silent ? -1 : one.server, POLLIN, 0});
      }
      if (poll(watched.data(), watched.size(), -1) < 0) continue;
      if (watched[0].revents != 0) return;
      std::size_t at = 2;
      for (auto one = conversations_.begin(); one != conversations_.end(); at += 2) {
        const bool goes_on =
            (watched[at].revents == 0 || hear_client(*one)) && (watched[at + 1].revents == 0 || hear_server(*one));
        if (!goes_on) one->end();
        one = goes_on ? std::next(one) : conversations_.erase(one);
      }
      if (watched[1].revents != 0) take();
    }
  }

  void take() {
    const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) return;
    if (is_silent()) {
      conversations_.push_back({client, -1, true});
      return;
    }
    const int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const auto address = address_of(server_);
    if (connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      close(server);
      close(client);
      return;
    }
    conversations_.push_back({client, server, false});
  }

  bool hear_client(Conversation& one) {
    if (one.silent) return false;  // it hung up
    if (left_ <= 0 || (left_ != std::numeric_limits<int>::max() && --left_ <= 0)) {
      one.silent = true;
      return true;
    }
    return pass_on(one.client, one.server);
  }
  bool hear_server(Conversation& one) {
    if (one.silent) return true;
    if (left_ <= 0) {
      one.silent = true;
      return true;
    }
    return pass_on(one.server, one.client);
  }

  static bool pass_on(int from, int to) {
    std::array<char, 65536> buffer{};
    const auto size = ::read(from, buffer.data(), buffer.size());
    if (size <= 0) return false;
    for (ssize_t done = 0; done < size;) {
      const auto sent = send(to, buffer.data() + done, static_cast<std::size_t>(size - done), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      done += sent;
    }
    return true;
  }

  const std::string server_;
  std::string directory_;
  int listener_ = -1;
  std::array<int, 2> wake_{-1, -1};
  std::list<Conversation> conversations_;
  std::atomic<int> left_ = std::numeric_limits<int>::max();
  std::thread thread_;
};

}  // namespace render_cache::test

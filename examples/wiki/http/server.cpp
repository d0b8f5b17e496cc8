#include "server.hpp"

#include "request_parser.hpp"

#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/wait_traits.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/status.hpp>

#include <sys/resource.h>
#include <sys/sendfile.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <ctime>
#include <exception>
#include <list>
#include <span>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

// The shape: an I/O thread has an io_context and its connections for itself, so that nothing on the way of a hit is shared
// or locked; the thread that called `run` accepts, deals connections out in turn and waits for signals; workers do
// what must wait. Each connection is one coroutine. Time limits cost a request no timer: a connection notes its deadline,
// and each I/O thread looks through its connections once a second.

namespace wiki::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using Error = boost::system::error_code;
using Executor = asio::io_context::executor_type;  // the concrete one: `any_io_executor` costs a virtual call a step
using Socket = asio::basic_stream_socket<tcp, Executor>;
using Clock = std::chrono::steady_clock;
using Timer = asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, Executor>;
template <class T>
using Awaitable = asio::awaitable<T, Executor>;
constexpr asio::use_awaitable_t<Executor> awaitable;

auto noting(Error& error) { return asio::redirect_error(awaitable, error); }

std::string http_date() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[64];
  return {text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts)};
}

/// As many open files as this process may have; and a client that is gone is an error, not a signal that ends us (sendfile
/// has no flag for that).
void prepare_process() {
  ::rlimit limit;
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
  std::signal(SIGPIPE, SIG_IGN);
}

/// Added to by one I/O thread, read by any.
struct Counter {
  std::atomic<std::uint64_t> value{0};
  void operator+=(std::uint64_t amount) noexcept {
    value.store(value.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  operator std::uint64_t() const noexcept { return value.load(std::memory_order_relaxed); }
};

struct alignas(128) Counters {
  Counter connections, ended, requests, answered_at_once, bytes_sent, timeouts;
  std::array<Counter, 6> statuses;
};

struct Connection {
  Socket socket;
  Clock::time_point deadline = Clock::time_point::max();
  bool idle = true;  // between requests: may be closed without anybody missing it
  bool timed_out = false;

  void allow(Clock::duration time) { deadline = Clock::now() + time; }
};

/// What an I/O thread has for itself. All but the counters and `context` is touched by that thread alone.
struct IoThread {
  asio::io_context context{1};
  Timer tick{context};
  std::list<Connection> connections;
  std::string date = http_date();
  bool stopping = false;
  Counters counts;
  std::thread thread;
};

}  // namespace

class Server::Running {
 public:
  Running(Handler& handler, const ServerOptions& options)
      : handler_(handler), options_(options), io_(std::max<std::size_t>(options.threads, 1)),
        workers_(std::max<std::size_t>(options.workers, 1)) {
    prepare_process();
    listen();
  }

  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  void post(std::function<void()> job) { asio::post(workers_, std::move(job)); }
  bool run(const std::function<void()>& stopping);
  ServerStats stats() const;

 private:
  using Place = std::list<Connection>::iterator;

  void listen();
  Awaitable<void> accept();
  Awaitable<void> stop_on_signal(const std::function<void()>& stopping);
  void tell_to_stop(bool at_once);
  void start_tick(IoThread& io);

  Awaitable<void> serve(IoThread& io, Place place);
  Awaitable<bool> write(IoThread& io, Connection& connection, std::string_view head, std::string_view body);
  Awaitable<bool> write_file(IoThread& io, Connection& connection, const FileBody& file);
  Awaitable<void> drain(Connection& connection, std::span<char> scratch);
  Awaitable<Reply> answer_on_worker(const Request& request);

  Handler& handler_;
  const ServerOptions options_;
  std::vector<IoThread> io_;  // before what may hold a socket of theirs: an accept that has not ended, a worker's job
  asio::io_context control_{1};
  asio::basic_socket_acceptor<tcp, Executor> acceptor_{control_};
  Timer pause_{control_};  // between attempts to accept
  asio::basic_signal_set<Executor> signals_{control_, SIGINT, SIGTERM};
  Timer grace_{control_};
  asio::thread_pool workers_;
  std::atomic<std::size_t> open_{0};
  std::size_t io_running_ = 0;  // this and the next belong to the control thread
  bool all_finished_ = false;
};

// -- starting and stopping ------------------------------------------------------------------------------------------------------

void Server::Running::listen() {
  Error error;
  const auto address = asio::ip::make_address(options_.address, error);
  const tcp::endpoint endpoint(address, options_.port);
  if (!error) acceptor_.open(endpoint.protocol(), error);
  if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    throw std::system_error(error.value(), std::system_category(),
                            "cannot listen on " + options_.address + ":" + std::to_string(options_.port));
  }
}

bool Server::Running::run(const std::function<void()>& stopping) {
  asio::co_spawn(control_, stop_on_signal(stopping), asio::detached);
  asio::co_spawn(control_, accept(), asio::detached);
  io_running_ = io_.size();
  for (auto& io : io_) {
    start_tick(io);
    io.thread = std::thread([this, &io] {
      io.context.run();  // until it has no connections left and the tick has ended
      asio::post(control_, [this] {
        if (--io_running_ > 0) return;
        all_finished_ = true;
        control_.stop();
      });
    });
  }
  control_.run();
  if (!all_finished_) return false;
  for (auto& io : io_) io.thread.join();
  workers_.join();
  return true;
}

Awaitable<void> Server::Running::accept() {
  for (std::size_t turn = 0; acceptor_.is_open(); ++turn) {
    Error error;
    if (open_ >= options_.max_connections) {
      pause_.expires_after(std::chrono::milliseconds(20));
      co_await pause_.async_wait(noting(error));
      continue;
    }
    auto& io = io_[turn % io_.size()];
    Socket socket = co_await acceptor_.async_accept(io.context, noting(error));
    if (error) {  // out of file descriptors, for one: more so if we tried again at once
      pause_.expires_after(std::chrono::milliseconds(100));
      co_await pause_.async_wait(noting(error));
      continue;
    }
    ++open_;
    asio::post(io.context, [this, &io, accepted = std::move(socket)]() mutable {
      const auto place = io.connections.insert(io.connections.end(), Connection{std::move(accepted)});
      Error ignored;
      if (io.stopping) place->socket.shutdown(tcp::socket::shutdown_receive, ignored);  // it came in at the last moment
      asio::co_spawn(io.context, serve(io, place), [this, &io, place](std::exception_ptr) {
        io.connections.erase(place);
        io.counts.ended += 1;
        --open_;
        if (io.stopping && io.connections.empty()) io.tick.cancel();
      });
    });
  }
}

Awaitable<void> Server::Running::stop_on_signal(const std::function<void()>& stopping) {
  Error error;
  co_await signals_.async_wait(noting(error));
  if (stopping) stopping();
  acceptor_.close(error);
  pause_.cancel();
  tell_to_stop(false);
  signals_.async_wait([this](const Error& ignored, int) {
    if (!ignored) grace_.cancel();  // asked twice: no more patience
  });
  grace_.expires_after(options_.grace);
  co_await grace_.async_wait(noting(error));
  tell_to_stop(true);
  grace_.expires_after(std::chrono::seconds(1));
  co_await grace_.async_wait(noting(error));
  control_.stop();
}

/// An idle connection is only told that nothing more will come, so that a request which is already here is still answered.
void Server::Running::tell_to_stop(bool at_once) {
  for (auto& io : io_) {
    asio::post(io.context, [&io, at_once] {
      io.stopping = true;
      for (auto& connection : io.connections) {
        Error ignored;
        if (at_once) {
          connection.socket.close(ignored);
        } else if (connection.idle) {
          connection.socket.shutdown(tcp::socket::shutdown_receive, ignored);
        }
      }
      if (io.connections.empty()) io.tick.cancel();
    });
  }
}

void Server::Running::start_tick(IoThread& io) {
  io.tick.expires_after(std::chrono::seconds(1));
  io.tick.async_wait([this, &io](const Error& cancelled) {
    if (cancelled) return;
    io.date = http_date();
    const auto now = Clock::now();
    const bool is_full = open_ >= options_.max_connections;  // then who wants nothing makes room
    for (auto& connection : io.connections) {
      if (connection.deadline > now && !(is_full && connection.idle)) continue;
      io.counts.timeouts += 1;
      connection.timed_out = true;
      Error ignored;
      connection.socket.cancel(ignored);
    }
    if (!io.stopping || !io.connections.empty()) start_tick(io);
  });
}

// -- one connection -------------------------------------------------------------------------------------------------------------

namespace {

unsigned status_of(const Error& refused, const Request& request) {
  using boost::beast::http::error;
  if (refused == error::header_limit) return request.target.empty() ? 414 : 431;  // it is the first line that is too long
  return refused == error::bad_version ? 505 : 400;
}

std::string_view reason(unsigned status) {
  const auto text = boost::beast::http::obsolete_reason(boost::beast::http::int_to_status(status));
  return {text.data(), text.size()};
}

void append_number(std::string& text, std::uint64_t number) {
  char digits[24];
  text.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
}

/// The status line and all fields, into a string that keeps its memory.
void write_head(std::string& head, const Reply& reply, std::string_view date, bool keep_alive, bool is_http_1_0) {
  head.assign("HTTP/1.1 ");
  append_number(head, reply.status);
  head.append(" ").append(reason(reply.status)).append("\r\nDate: ").append(date).append("\r\n");
  head.append(reply.fields).append(reply.shared_fields);
  if (reply.status != 304) {
    head.append("Content-Length: ");
    append_number(head, reply.file ? reply.file->bytes : reply.body.size());
    head.append("\r\n");
  }
  if (!keep_alive) {
    head.append("Connection: close\r\n");
  } else if (is_http_1_0) {
    head.append("Connection: keep-alive\r\n");
  }
  head.append("\r\n");
}

}  // namespace

Awaitable<void> Server::Running::serve(IoThread& io, Place place) {
  Connection& connection = *place;
  Socket& socket = connection.socket;
  Error error;
  socket.set_option(tcp::no_delay(true), error);
  socket.non_blocking(true, error);
  io.counts.connections += 1;

  std::vector<char> buffer(options_.max_head_bytes + 1);  // with one byte more the parser sees that it is too much
  std::size_t begin = 0, end = 0;  // of what has been read and not yet parsed
  Request request;
  std::string head;
  for (bool keep_alive = true; keep_alive;) {
    RequestParser parser(request, options_.max_head_bytes);
    unsigned refused = 0;
    connection.idle = begin == end;
    connection.allow(connection.idle ? options_.idle_limit : options_.head_limit);
    while (refused == 0) {
      if (begin < end) {
        const std::size_t taken = parser.put(asio::buffer(&buffer[begin], end - begin), error);
        if (has_folded_line({&buffer[begin], taken})) {
          refused = 400;
          break;
        }
        begin += taken;
        if (parser.is_header_done()) break;
        if (error && error != boost::beast::http::error::need_more) {
          refused = status_of(error, request);
          break;
        }
      }
      std::memmove(buffer.data(), buffer.data() + begin, end - begin);
      end -= std::exchange(begin, 0);
      end += co_await socket.async_read_some(asio::buffer(&buffer[end], buffer.size() - end), noting(error));
      if (error) {
        if (connection.idle || !connection.timed_out) co_return;
        refused = 408;
      } else if (std::exchange(connection.idle, false)) {
        connection.allow(options_.head_limit);
      }
    }
    connection.deadline = Clock::time_point::max();
    io.counts.requests += 1;

    if (refused == 0) refused = parser.bad_framing();
    if (refused == 0 && !parser.has_proper_host()) refused = 400;
    if (refused == 0 && request.target.size() > options_.max_target_bytes) refused = 414;
    Reply reply;
    if (refused != 0) {
      reply = handler_.refuse(refused, reason(refused));
    } else if (auto now = handler_.answer_now(request)) {
      io.counts.answered_at_once += 1;
      reply = std::move(*now);
    } else {
      reply = co_await answer_on_worker(request);
    }

    keep_alive = refused == 0 && parser.is_keep_alive() && !io.stopping;
    const bool with_body = request.method != Method::head && reply.status != 304;
    io.counts.statuses[std::min(reply.status / 100, 5u)] += 1;
    write_head(head, reply, io.date, keep_alive, parser.is_http_1_0());
    bool sent = co_await write(io, connection, head, with_body ? reply.body : std::string_view());
    if (sent && with_body && reply.file) sent = co_await write_file(io, connection, *reply.file);
    if (!sent) co_return;
  }
  co_await drain(connection, buffer);
}

Awaitable<bool> Server::Running::write(IoThread& io, Connection& connection, std::string_view head, std::string_view body) {
  std::array<asio::const_buffer, 2> rest{asio::buffer(head), asio::buffer(body)};
  Error error;
  std::size_t sent = connection.socket.write_some(rest, error);  // almost always all of it
  if (error == asio::error::would_block) error.clear();
  for (;;) {
    if (error) co_return false;
    io.counts.bytes_sent += sent;
    for (auto& part : rest) {
      const auto done = std::min(sent, part.size());
      part += done;
      sent -= done;
    }
    if (asio::buffer_size(rest) == 0) co_return true;
    connection.allow(options_.write_limit);
    sent = co_await connection.socket.async_write_some(rest, noting(error));
  }
}

Awaitable<bool> Server::Running::write_file(IoThread& io, Connection& connection, const FileBody& file) {
  for (std::uint64_t left = file.bytes; left > 0;) {
    const auto sent = ::sendfile(connection.socket.native_handle(), file.file.get(), nullptr,
                                 static_cast<std::size_t>(std::min<std::uint64_t>(left, 1 << 18)));
    if (sent > 0) {
      left -= static_cast<std::uint64_t>(sent);
      io.counts.bytes_sent += static_cast<std::uint64_t>(sent);
    } else if (sent < 0 && errno == EAGAIN) {
      connection.allow(options_.write_limit);
      Error error;
      co_await connection.socket.async_wait(tcp::socket::wait_write, noting(error));
      if (error) co_return false;
    } else if (sent == 0 || errno != EINTR) {
      co_return false;  // it was cut short meanwhile: the client sees that from the length
    }
  }
  co_return true;
}

/// Reads on for a moment: closing a socket that has unread input would reset the connection, and the client might lose
/// our last reply (RFC 9112, section 9.6).
Awaitable<void> Server::Running::drain(Connection& connection, std::span<char> scratch) {
  Error error;
  connection.socket.shutdown(tcp::socket::shutdown_send, error);
  connection.allow(std::chrono::seconds(2));
  for (std::size_t left = 1 << 20; !error && left > 0;) {
    const std::size_t got =
        co_await connection.socket.async_read_some(asio::buffer(scratch.data(), scratch.size()), noting(error));
    left -= std::min(left, got);
  }
}

/// Not a coroutine, but what one waits for: the worker's reply, brought back to the connection's own thread.
Awaitable<Reply> Server::Running::answer_on_worker(const Request& request) {
  return asio::async_initiate<const asio::use_awaitable_t<Executor>&, void(Reply)>(
      [this](auto resume, const Request* asked) {
        auto back = asio::make_work_guard(resume);
        asio::post(workers_, [this, asked, resume = std::move(resume), back = std::move(back)]() mutable {
          asio::post(back.get_executor(), [resume = std::move(resume), reply = handler_.answer(*asked)]() mutable {
            std::move(resume)(std::move(reply));
          });
        });
      },
      awaitable, &request);
}

ServerStats Server::Running::stats() const {
  ServerStats sum;
  for (const auto& io : io_) {
    sum.connections += io.counts.connections;
    sum.open += io.counts.connections - io.counts.ended;
    sum.requests += io.counts.requests;
    sum.answered_at_once += io.counts.answered_at_once;
    sum.bytes_sent += io.counts.bytes_sent;
    sum.timeouts += io.counts.timeouts;
    for (std::size_t i = 0; i < io.counts.statuses.size(); ++i) sum.statuses[i] += io.counts.statuses[i];
  }
  return sum;
}

Server::Server(Handler& handler, const ServerOptions& options) : running_(std::make_unique<Running>(handler, options)) {}
Server::~Server() = default;
std::uint16_t Server::port() const { return running_->port(); }
bool Server::run(const std::function<void()>& stopping) { return running_->run(stopping); }
void Server::post(std::function<void()> job) { running_->post(std::move(job)); }
ServerStats Server::stats() const { return running_->stats(); }

}  // namespace wiki::http

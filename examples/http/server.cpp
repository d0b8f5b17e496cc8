#include "server.hpp"

#include "host.hpp"
#include "request_parser.hpp"
#include "shares.hpp"

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

#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <ctime>
#include <exception>
#include <filesystem>
#include <iterator>
#include <list>
#include <map>
#include <mutex>
#include <span>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

// The shape: an I/O thread has an io_context and its connections for itself, so that nothing on the way of a hit is shared
// or locked; the thread that called `run` accepts, deals connections out in turn and waits for signals; workers do
// what must wait. Each connection is one coroutine. Time limits cost a request no timer: a connection notes its deadline,
// and each I/O thread looks through its connections once a second.

namespace http {
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

/// As many open files as this process may have, which it returns; and a client that is gone is an error, not a signal that ends
/// us (sendfile has no flag for that).
std::size_t prepare_process() {
  std::signal(SIGPIPE, SIG_IGN);
  ::rlimit limit;
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur == RLIM_INFINITY ? 1 << 20 : limit.rlim_cur;
}

/// What is left for connections of the descriptors that there may be. Each may need two, its own and that of a file that it
/// is sent; what else is open stays open, and a worker needs some for a store or a pipe. So this server never is the one that
/// leaves none for others, and none of its files stays closed for want of one.
std::size_t connections_for(const ServerOptions& options, std::size_t descriptors) {
  namespace fs = std::filesystem;
  const auto open = static_cast<std::size_t>(std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator()));
  const auto reserved = open + 16 + 2 * (options.workers + options.quick_workers);
  const auto affordable = descriptors > reserved ? (descriptors - reserved) / 2 : 0;
  if (affordable == 0) {
    throw std::runtime_error("the limit of " + std::to_string(descriptors) + " file descriptors (ulimit -n) leaves none for " +
                             "connections: at least " + std::to_string(reserved + 2) + " are needed");
  }
  return std::min(std::max<std::size_t>(options.max_connections, 1), affordable);
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
  Counter connections, ended, requests, answered_at_once, bytes_sent, timeouts, made_room, shed, left;
  std::array<Counter, 6> statuses;
};

enum class Phase : std::uint8_t {
  idle,     // between requests, or said good-bye: may be closed without anybody missing it
  reading,  // a head
  working,
  writing,
};

struct Connection {
  Socket socket;
  Clock::time_point deadline = Clock::time_point::max();
  Phase phase = Phase::idle;
  Clock::time_point since = Clock::now();  // when the phase began, or the client last took something of the answer
  bool timed_out = false;

  void enter(Phase next, Clock::duration limit) {
    phase = next;
    since = Clock::now();
    deadline = since + limit;
  }
  void enter_work() {
    phase = Phase::working;  // with a limit of its own
    deadline = Clock::time_point::max();
  }

  /// A client may be late by the write limit, and what it takes makes up for it as far as the least rate says: one that drips
  /// gains little, one that stands still nothing.
  void has_taken(std::size_t bytes, const ServerOptions& options) {
    since = Clock::now();
    const std::chrono::duration<double> earned(static_cast<double>(bytes) / static_cast<double>(options.least_rate));
    deadline = std::min(deadline + std::chrono::duration_cast<Clock::duration>(earned), since + options.write_limit);
  }

  void give_up() {
    timed_out = true;
    Error ignored;
    // What the client has not taken would stay in the kernel's memory for long.
    if (phase == Phase::writing) socket.set_option(asio::socket_base::linger(true, 0), ignored);
    socket.cancel(ignored);
  }
};

/// A request that a worker answers. The connection may be gone before that.
struct Job {
  Request request;
  Timer* waiting;  // of the connection; null once it waits no more. As the reply for the connection's thread alone
  std::stop_source left{};
  std::optional<Reply> reply{};
};

struct Workers {
  asio::thread_pool threads;
  std::atomic<std::size_t> waiting{0};  // requests that none has begun
  explicit Workers(std::size_t count) : threads(std::max<std::size_t>(count, 1)) {}
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
      : handler_(handler), options_(options), io_(std::max<std::size_t>(options.threads, 1)), workers_(options.workers),
        quick_workers_(options.quick_workers), max_connections_(connections_for(options, prepare_process())) {
    listen();
  }

  std::string url() const;
  std::size_t max_connections() const noexcept { return max_connections_; }
  void post(std::function<void()> job) { asio::post(workers_.threads, std::move(job)); }
  bool run(const std::function<void()>& stopping, std::stop_token stop);
  ServerStats stats() const;

 private:
  using Place = std::list<Connection>::iterator;

  void listen();
  Awaitable<void> accept();
  void make_room(std::chrono::milliseconds spared);
  Awaitable<void> stop_on_signal(const std::function<void()>& stopping);
  static void expect_no_request(Socket& idle);
  void tell_to_stop(bool at_once);
  void start_tick(IoThread& io);

  Awaitable<void> serve(IoThread& io, Place place);
  Awaitable<bool> write(IoThread& io, Connection& connection, std::string_view head, std::string_view body);
  Awaitable<bool> write_file(IoThread& io, Connection& connection, const FileBody& file);
  Awaitable<void> drain(Connection& connection, std::span<char> scratch);
  std::optional<Reply> answer_myself(Request& request, const RequestParser& parser, unsigned& refused);
  Awaitable<std::optional<Reply>> answer_on_worker(IoThread& io, Connection& connection, const Request& request);
  void watch(Connection& connection, const std::shared_ptr<Job>& job);

  Handler& handler_;
  const ServerOptions options_;
  std::vector<IoThread> io_;  // before what may hold a socket of theirs: an accept that has not ended, a worker's job
  asio::io_context control_{1};
  asio::basic_socket_acceptor<tcp, Executor> acceptor_{control_};
  Timer pause_{control_};  // between attempts to accept
  asio::basic_signal_set<Executor> signals_{control_, SIGINT, SIGTERM};
  Timer grace_{control_};
  Workers workers_, quick_workers_;
  const std::size_t max_connections_;
  std::optional<OwnNames> own_names_;
  Shares shares_{options_.max_connections_per_client, max_connections_};
  std::atomic<std::size_t> open_{0};
  std::atomic<bool> wants_room_{false};
  std::atomic<std::uint64_t> refused_{0};  // connections
  std::atomic<std::size_t> begun_{0};      // answers that workers are making
  std::size_t io_running_ = 0;  // this and the next belong to the control thread
  bool all_finished_ = false;
  Clock::time_point last_moment_ = Clock::time_point::max();
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
                            "cannot listen on '" + options_.address + ":" + std::to_string(options_.port) + "'");
  }
  own_names_.emplace(options_.hosts, is_loopback(address));
}

std::string Server::Running::url() const {
  const bool brackets = options_.address.find(':') != std::string::npos;
  return "http://" + (brackets ? '[' + options_.address + ']' : options_.address) + ':' +
         std::to_string(acceptor_.local_endpoint().port());
}

bool Server::Running::run(const std::function<void()>& stopping, std::stop_token stop) {
  asio::co_spawn(control_, stop_on_signal(stopping), asio::detached);
  const std::stop_callback on_stop(stop, [this] { asio::post(control_, [this] { signals_.cancel(); }); });
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
  // Clients that have left may have left work behind.
  while (begun_ > 0 && Clock::now() < last_moment_) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  if (begun_ > 0) return false;
  workers_.threads.join();
  quick_workers_.threads.join();
  return true;
}

namespace {

/// Says so where that costs nothing; nobody waits for the client to hear it.
void turn_away(Socket& socket) {
  constexpr std::string_view reply =
      "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nContent-Length: 42\r\nRetry-After: 1\r\n"
      "Connection: close\r\n\r\nThere are too many connections from here.\n";
  Error ignored;
  socket.non_blocking(true, ignored);
  socket.write_some(asio::buffer(reply), ignored);
}

}  // namespace

Awaitable<void> Server::Running::accept() {
  std::chrono::milliseconds spared{};
  Clock::time_point last_full{};
  for (std::size_t turn = 0; acceptor_.is_open(); ++turn) {
    Error error;
    if (open_ >= max_connections_) {
      co_await acceptor_.async_wait(tcp::acceptor::wait_read, noting(error));
      if (error || open_ < max_connections_) continue;
      // Who has just come is spared while few knock: that one's request may be on its way.
      const auto now = Clock::now();
      if (now - last_full > std::chrono::seconds(1)) spared = std::chrono::milliseconds(256);
      last_full = now;
      make_room(spared);
      spared /= 2;
      pause_.expires_after(std::chrono::milliseconds(10));  // or until a connection has ended
      wants_room_ = true;
      co_await pause_.async_wait(noting(error));
      wants_room_ = false;
      continue;
    }
    auto& io = io_[turn % io_.size()];
    tcp::endpoint peer;
    Socket socket = co_await acceptor_.async_accept(io.context, peer, noting(error));
    if (!acceptor_.is_open() || error == asio::error::connection_aborted) continue;
    if (error) {  // the system is out of file descriptors, for one: more so if we tried again at once
      make_room({});
      pause_.expires_after(std::chrono::milliseconds(100));
      co_await pause_.async_wait(noting(error));
      continue;
    }
    const auto client = peer.address();
    if (!shares_.take(client)) {
      ++refused_;
      turn_away(socket);
      continue;
    }
    ++open_;
    asio::post(io.context, [this, &io, client, accepted = std::move(socket)]() mutable {
      const auto place = io.connections.insert(io.connections.end(), Connection{std::move(accepted)});
      if (io.stopping) expect_no_request(place->socket);  // it came in at the last moment
      asio::co_spawn(io.context, serve(io, place), [this, &io, place, client](std::exception_ptr) {
        io.connections.erase(place);
        io.counts.ended += 1;
        shares_.give_back(client);
        --open_;
        if (wants_room_.exchange(false)) asio::post(control_, [this] { pause_.cancel(); });
        if (io.stopping && io.connections.empty()) io.tick.cancel();
      });
    });
  }
}

/// Of the connections that wait for their clients, those go that have waited longest, the idle ones first. Who takes its answer
/// is not among them.
void Server::Running::make_room(std::chrono::milliseconds spared) {
  const auto wanted = std::max<std::size_t>(max_connections_ / 16 / io_.size(), 1);
  for (auto& io : io_) {
    asio::post(io.context, [&io, wanted, spared] {
      const auto now = Clock::now();
      const auto newest = now - spared, moving = now - std::chrono::milliseconds(50);
      std::vector<Connection*> waiting;
      for (auto& connection : io.connections) {
        if (connection.timed_out || connection.phase == Phase::working) continue;
        if (connection.since > (connection.phase == Phase::writing ? moving : newest)) continue;
        waiting.push_back(&connection);
      }
      const auto end = waiting.begin() + static_cast<std::ptrdiff_t>(std::min(wanted, waiting.size()));
      std::partial_sort(waiting.begin(), end, waiting.end(), [](const Connection* a, const Connection* b) {
        return std::pair(a->phase != Phase::idle, a->since) < std::pair(b->phase != Phase::idle, b->since);
      });
      for (auto at = waiting.begin(); at != end; ++at) {
        io.counts.timeouts += 1;
        io.counts.made_room += 1;
        (*at)->give_up();
      }
    });
  }
}

Awaitable<void> Server::Running::stop_on_signal(const std::function<void()>& stopping) {
  Error error;
  co_await signals_.async_wait(noting(error));
  if (stopping) stopping();
  last_moment_ = Clock::now() + options_.grace + std::chrono::seconds(1);  // for what that ends
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

/// Reads no more from an idle connection, unless the beginning of a request is here already: that one is still answered.
void Server::Running::expect_no_request(Socket& idle) {
  Error ignored;
  if (idle.available(ignored) == 0) idle.shutdown(tcp::socket::shutdown_receive, ignored);
}

void Server::Running::tell_to_stop(bool at_once) {
  for (auto& io : io_) {
    asio::post(io.context, [&io, at_once] {
      io.stopping = true;
      for (auto& connection : io.connections) {
        Error ignored;
        if (at_once) {
          connection.socket.close(ignored);
        } else if (connection.phase == Phase::idle) {
          expect_no_request(connection.socket);
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
    for (auto& connection : io.connections) {
      if (connection.deadline > now) continue;
      io.counts.timeouts += 1;
      connection.give_up();
    }
    if (!io.stopping || !io.connections.empty()) start_tick(io);
  });
}

// -- one connection -------------------------------------------------------------------------------------------------------------

namespace {

/// Whether the head begins as a request of some version does; the parser says "version" of all that does not end as it expects.
bool names_a_version(std::string_view head) {
  const auto line = head.substr(0, head.find("\r\n"));
  const auto version = line.substr(line.rfind(' ') + 1);
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  return std::ranges::count(line, ' ') == 2 && version.size() == 8 && version.starts_with("HTTP/") && is_digit(version[5]) &&
         version[6] == '.' && is_digit(version[7]);
}

unsigned status_of(const Error& refused, const Request& request, std::string_view head) {
  using boost::beast::http::error;
  if (refused == error::header_limit) return request.target.empty() ? 414 : 431;  // it is the first line that is too long
  return refused == error::bad_version && names_a_version(head) ? 505 : 400;
}

/// Why the server itself refuses with this status.
std::string_view explanation(unsigned status) {
  switch (status) {
    case 400: return "This is no HTTP request, or its fields contradict each other.";
    case 408: return "The request took too long to arrive.";
    case 414: return "The address is too long.";
    case 421:
      return "This server does not answer for the name that it was asked by. Ask for localhost or an address of this machine, or "
             "start the server with --host NAME.";
    case 431: return "The header fields are too long.";
    case 501: return "The body comes in a transfer coding that this server does not know.";
    case 503: return "The server has too much to do. Try again in a moment.";
    default: return "The server answers HTTP/1.0 and HTTP/1.1.";
  }
}

std::string_view reason(unsigned status) {
  const auto text = boost::beast::http::obsolete_reason(boost::beast::http::int_to_status(status));
  return {text.data(), text.size()};
}

void append_number(std::string& text, std::uint64_t number) {
  char digits[24];
  text.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
}

/// With every reply: its type is what it says, what another site shows of it is nothing, and what links lead out is not told
/// where from.
constexpr std::string_view common_fields =
    "X-Content-Type-Options: nosniff\r\nCross-Origin-Resource-Policy: same-origin\r\nReferrer-Policy: same-origin\r\n";

/// The status line and all fields, into a string that keeps its memory.
void write_head(std::string& head, const Reply& reply, std::string_view date, bool keep_alive, bool is_http_1_0) {
  head.assign("HTTP/1.1 ");
  append_number(head, reply.status);
  head.append(" ").append(reason(reply.status)).append("\r\nDate: ").append(date).append("\r\n");
  head.append(reply.fields).append(reply.shared_fields).append(common_fields);
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
  // So that what a client does not take stays with us, where it is shared and counted.
  using Unsent = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_NOTSENT_LOWAT>;
  socket.set_option(Unsent(1 << 18), error);
  io.counts.connections += 1;

  std::vector<char> buffer(options_.max_head_bytes + 1);  // with one byte more the parser sees that it is too much
  std::size_t begin = 0, end = 0;  // of what has been read and not yet parsed
  Request request;
  std::string head;
  for (bool keep_alive = true; keep_alive;) {
    RequestParser parser(request, options_.max_head_bytes);
    unsigned refused = 0;
    connection.timed_out = false;
    if (begin == end) {
      connection.enter(Phase::idle, options_.idle_limit);
    } else {
      connection.enter(Phase::reading, options_.head_limit);
    }
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
          refused = status_of(error, request, {&buffer[begin], end - begin});
          break;
        }
      }
      std::memmove(buffer.data(), buffer.data() + begin, end - begin);
      end -= std::exchange(begin, 0);
      end += co_await socket.async_read_some(asio::buffer(&buffer[end], buffer.size() - end), noting(error));
      // To be given up may come too late to cancel what has just ended: then it still holds, unless a request has come.
      if (error || (connection.timed_out && connection.phase != Phase::idle)) {
        if (connection.phase == Phase::idle || !connection.timed_out) co_return;
        refused = 408;
      } else if (connection.phase == Phase::idle) {
        connection.timed_out = false;
        connection.enter(Phase::reading, options_.head_limit);
      }
    }
    connection.enter_work();
    io.counts.requests += 1;

    Reply reply;
    if (auto own = answer_myself(request, parser, refused)) {
      reply = std::move(*own);
    } else if (auto now = handler_.answer_now(request)) {
      io.counts.answered_at_once += 1;
      reply = std::move(*now);
    } else {
      auto made = co_await answer_on_worker(io, connection, request);
      if (!made) co_return;
      reply = std::move(*made);
    }

    keep_alive = refused == 0 && parser.is_keep_alive() && !io.stopping;
    const bool with_body = request.method != Method::head && reply.status != 304;
    io.counts.statuses[std::min(reply.status / 100, 5u)] += 1;
    write_head(head, reply, io.date, keep_alive, parser.is_http_1_0());
    connection.enter(Phase::writing, options_.write_limit);
    bool sent = co_await write(io, connection, head, with_body ? reply.body : std::string_view());
    if (sent && with_body && reply.file) sent = co_await write_file(io, connection, *reply.file);
    if (!sent) co_return;
  }
  connection.enter(Phase::idle, std::chrono::seconds(2));
  if (!connection.timed_out) co_await drain(connection, buffer);
}

/// What needs no handler: refusals, and whether the server is up, which is answered whatever name it was asked by.
std::optional<Reply> Server::Running::answer_myself(Request& request, const RequestParser& parser, unsigned& refused) {
  if (refused == 0) refused = parser.bad_framing();
  if (refused == 0 && !parser.has_proper_host()) refused = 400;
  if (refused == 0 && request.target.size() > options_.max_target_bytes) refused = 414;
  if (refused == 0) {
    using enum OwnNames::Verdict;
    // Of HTTP/1.0 only: browsers always name the host.
    const auto verdict = parser.has_host() ? own_names_->judge(request.authority) : unknown;
    request.is_own_host = verdict == own;
    if (verdict == malformed) refused = 400;
    if (request.target == "/-/health" && (request.method == Method::get || request.method == Method::head) && refused == 0) {
      auto reply = make_reply(200, "application/json", "{\"status\": \"ok\"}\n");
      reply.field("Cache-Control", "no-store");
      return reply;
    }
    if (verdict == misdirected) refused = 421;
  }
  if (refused == 0) return std::nullopt;
  return handler_.refuse(refused, explanation(refused));
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
    sent = co_await connection.socket.async_write_some(rest, noting(error));
    if (connection.timed_out) co_return false;
    connection.has_taken(sent, options_);
  }
}

Awaitable<bool> Server::Running::write_file(IoThread& io, Connection& connection, const FileBody& file) {
  std::size_t unreported = 0;
  for (std::uint64_t left = file.bytes; left > 0;) {
    const auto sent = ::sendfile(connection.socket.native_handle(), file.file.get(), nullptr,
                                 static_cast<std::size_t>(std::min<std::uint64_t>(left, 1 << 18)));
    if (sent > 0) {
      left -= static_cast<std::uint64_t>(sent);
      unreported += static_cast<std::size_t>(sent);
      io.counts.bytes_sent += static_cast<std::uint64_t>(sent);
    } else if (sent < 0 && errno == EAGAIN) {
      if (unreported > 0) connection.has_taken(std::exchange(unreported, 0), options_);
      Error error;
      co_await connection.socket.async_wait(tcp::socket::wait_write, noting(error));
      if (error || connection.timed_out) co_return false;
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
  for (std::size_t left = 1 << 20; !error && left > 0;) {
    const std::size_t got =
        co_await connection.socket.async_read_some(asio::buffer(scratch.data(), scratch.size()), noting(error));
    left -= std::min(left, got);
  }
}

/// Nothing where the client has left. What a worker makes for nobody is dropped; what none has begun is not begun.
Awaitable<std::optional<Reply>> Server::Running::answer_on_worker(IoThread& io, Connection& connection, const Request& request) {
  const auto too_much = [&] {
    io.counts.shed += 1;
    auto reply = handler_.refuse(503, explanation(503));
    reply.field("Retry-After", "1");
    return reply;
  };
  auto& workers = options_.quick_workers > 0 && handler_.is_quick(request) ? quick_workers_ : workers_;
  if (workers.waiting >= options_.max_waiting) co_return too_much();

  Timer until(io.context, options_.work_limit);
  const auto job = std::make_shared<Job>(Job{request, &until});
  job->request.client_left = job->left.get_token();
  watch(connection, job);
  ++workers.waiting;
  asio::post(workers.threads, [this, &workers, &io, job] {
    ++begun_;
    --workers.waiting;
    if (!job->left.stop_requested()) {
      asio::post(io.context, [job, reply = handler_.answer(job->request)]() mutable {
        if (job->waiting == nullptr) return;
        job->reply = std::move(reply);
        job->waiting->cancel();
      });
    }
    --begun_;
  });
  Error cancelled;
  co_await until.async_wait(noting(cancelled));
  job->waiting = nullptr;
  Error ignored;
  connection.socket.cancel(ignored);  // the watch
  if (job->reply) co_return std::move(job->reply);
  if (!job->left.request_stop()) {
    io.counts.left += 1;
    co_return std::nullopt;
  }
  co_return too_much();
}

/// A client that sends no more has left: browsers close, and so does a program that is stopped. One that sends the next request
/// already is not watched.
void Server::Running::watch(Connection& connection, const std::shared_ptr<Job>& job) {
  connection.socket.async_wait(tcp::socket::wait_read, [&connection, job](const Error& error) {
    if (job->waiting == nullptr) return;
    char next = 0;
    const auto got = error ? 0 : ::recv(connection.socket.native_handle(), &next, 1, MSG_PEEK | MSG_DONTWAIT);
    if (got > 0 || (got < 0 && errno == EAGAIN)) return;
    job->left.request_stop();
    job->waiting->cancel();
  });
}

ServerStats Server::Running::stats() const {
  ServerStats sum;
  sum.refused = refused_;
  for (const auto& io : io_) {
    sum.connections += io.counts.connections;
    sum.open += io.counts.connections - io.counts.ended;
    sum.requests += io.counts.requests;
    sum.answered_at_once += io.counts.answered_at_once;
    sum.bytes_sent += io.counts.bytes_sent;
    sum.timeouts += io.counts.timeouts;
    sum.made_room += io.counts.made_room;
    sum.shed += io.counts.shed;
    sum.left += io.counts.left;
    for (std::size_t i = 0; i < io.counts.statuses.size(); ++i) sum.statuses[i] += io.counts.statuses[i];
  }
  return sum;
}

Server::Server(Handler& handler, const ServerOptions& options) : running_(std::make_unique<Running>(handler, options)) {}
Server::~Server() = default;
std::string Server::url() const { return running_->url(); }
std::size_t Server::max_connections() const { return running_->max_connections(); }
bool Server::run(const std::function<void()>& stopping, std::stop_token stop) { return running_->run(stopping, std::move(stop)); }
void Server::post(std::function<void()> job) { running_->post(std::move(job)); }
ServerStats Server::stats() const { return running_->stats(); }

void parse_listen(const std::string& text, ServerOptions& options) {
  const auto colon = text.rfind(':');
  auto host = text.substr(0, colon == text.npos ? 0 : colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  const char* first = text.data() + (colon == text.npos ? 0 : colon + 1);
  const char* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(first, last, options.port);
  if (!host.empty()) options.address = host == "localhost" ? "127.0.0.1" : host;
  Error no_address;
  asio::ip::make_address(options.address, no_address);
  if (first == last || end != last || error != std::errc{} || no_address) {
    throw std::invalid_argument("--listen '" + text +
                                "' is no place to listen: say HOST:PORT with an address for HOST, such as " +
                                "127.0.0.1:8080 or [::1]:8080");
  }
}

}  // namespace http

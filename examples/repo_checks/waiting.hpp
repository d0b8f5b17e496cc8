// Who waits for which evaluation, so that one ends that nobody waits for any more.
#pragma once

#include <render_cache/entry/types.hpp>

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <utility>

namespace repo_checks {

/// To be used from many threads at once.
class Waiting {
 public:
  explicit Waiting(std::stop_token all) : all_(std::move(all)) {}

  /// Of a repository's evaluation, for as long as somebody has it: told to stop when the last client has left, or all are to stop.
  class Evaluation {
   public:
    explicit Evaluation(const std::stop_token& all) : on_all_(all, [this] { stop_.request_stop(); }) {}
    [[nodiscard]] std::stop_token stop() const noexcept { return stop_.get_token(); }

   private:
    friend Waiting;
    std::stop_source stop_;
    std::stop_callback<std::function<void()>> on_all_;
    std::size_t clients_ = 0;
  };

  /// To be held by whoever evaluates. Without any client, as in the background, only the end of all stops it.
  [[nodiscard]] std::shared_ptr<Evaluation> evaluation_of(const render_cache::Uuid& repository) {
    const std::lock_guard lock(mutex_);
    const auto at = evaluations_.find(repository);
    return at != evaluations_.end() ? at->second : std::make_shared<Evaluation>(all_);
  }

  /// Somebody who waits, until the object goes or `left` says so.
  class Client {
   public:
    Client(Waiting& waiting, const render_cache::Uuid& repository, const std::stop_token& left)
        : waiting_(waiting), repository_(repository), evaluation_(waiting.join(repository)) {
      on_left_.emplace(left, [this] { leave(true); });
    }
    ~Client() {
      on_left_.reset();  // from here on nobody else calls `leave`
      leave(false);
    }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

   private:
    void leave(bool before_the_end) {
      if (!evaluation_) return;
      const auto evaluation = std::exchange(evaluation_, nullptr);
      if (waiting_.part(repository_, evaluation) && before_the_end) evaluation->stop_.request_stop();
    }

    Waiting& waiting_;
    const render_cache::Uuid repository_;
    std::shared_ptr<Evaluation> evaluation_;
    std::optional<std::stop_callback<std::function<void()>>> on_left_;
  };

 private:
  std::shared_ptr<Evaluation> join(const render_cache::Uuid& repository) {
    const std::lock_guard lock(mutex_);
    auto& evaluation = evaluations_[repository];
    if (!evaluation) evaluation = std::make_shared<Evaluation>(all_);
    ++evaluation->clients_;
    return evaluation;
  }
  /// Whether that was the last one.
  bool part(const render_cache::Uuid& repository, const std::shared_ptr<Evaluation>& evaluation) {
    const std::lock_guard lock(mutex_);
    if (--evaluation->clients_ > 0) return false;
    evaluations_.erase(repository);
    return true;
  }

  const std::stop_token all_;
  std::mutex mutex_;
  std::map<render_cache::Uuid, std::shared_ptr<Evaluation>> evaluations_;
};

}  // namespace repo_checks

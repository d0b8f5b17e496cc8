// Many threads at once: the same answers, and nothing that was replaced or erased comes back.
#pragma once

#include <render_cache/laws/store/subject.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <exception>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace render_cache::laws {

/// Each key has one writer, which publishes growing versions; everybody else reads what they may and may not find.
template <class Model>
class ThreadLaws {
  using S = Subject<Model>;
  using K = typename S::K;
  using V = typename S::V;
  static constexpr unsigned keys = 6, writers = 2, readers = 2, versions = 60;

 public:
  void run() {
    std::vector<std::thread> writing, others;
    for (unsigned number = 0; number < writers; ++number)
      writing.emplace_back([=, this] { guard([=, this] { write(number); }); });
    for (unsigned number = 0; number < readers; ++number) others.emplace_back([=, this] { guard([=, this] { read(number); }); });
    others.emplace_back([this] { guard([this] { clean_up(); }); });
    for (auto& thread : writing) thread.join();
    done_ = true;
    for (auto& thread : others) thread.join();
    for (const auto& wrong : wrong_) FAIL_CHECK(wrong);
    for (unsigned key = 0; key < keys; ++key) subject_.check_holds(key_of(key), value_of(key, versions), versions);
  }

 private:
  static K key_of(unsigned key) { return sample_key<K>(key, key); }
  static V value_of(unsigned key, unsigned version) { return sample<V>(1000 * (key + 1) + version); }

  void write(unsigned writer) {
    for (unsigned version = 1; version <= versions; ++version) {
      for (unsigned key = writer; key < keys; key += writers) {
        begun_[key] = version;
        if (version % 10 == 5) {
          subject_.store.erase(key_of(key));
          const auto found = subject_.store.lookup(key_of(key), sample_fingerprint(version - 1));
          if (found.entry || found.stored) note("an erased entry is still there");
        }
        subject_.store.publish(key_of(key), S::entry(value_of(key, version), version));
        published_[key] = version;
      }
    }
  }

  void read(unsigned reader) {
    std::minstd_rand random(reader + 1);
    while (!done_) {
      const unsigned key = static_cast<unsigned>(random()) % keys, published = published_[key];
      const unsigned wanted = published + static_cast<unsigned>(random()) % 2;  // that one, or the one that comes
      check(key, wanted, published, subject_.store.lookup(key_of(key), sample_fingerprint(wanted)));
      if (published > 0) {
        check(key, published - 1, published, subject_.store.lookup(key_of(key), sample_fingerprint(published - 1)));
      }
      if constexpr (HasLookupMany<typename S::Store>) {
        std::array<unsigned, keys> before;
        std::vector<Query<K>> queries;
        for (unsigned each = 0; each < keys; ++each) {
          before[each] = published_[each];
          queries.push_back({key_of(each), sample_fingerprint(before[each])});
        }
        const auto found = subject_.store.lookup_many(queries);
        for (unsigned each = 0; each < keys; ++each) check(each, before[each], before[each], found[each]);
      }
    }
  }

  void check(unsigned key, unsigned wanted, unsigned published, const Lookup<V>& found) {
    if (!found.unreadable.empty()) note("unreadable: " + found.unreadable);
    if (found.entry) {
      if (!(found.entry->fingerprint == sample_fingerprint(wanted))) note("an entry of another fingerprint");
      if (!(found.entry->value == value_of(key, wanted))) note("a value of another key or version");
      if (wanted < published) note("an entry that had been replaced");
    } else if (Model::durable && wanted == published && published > 0 && begun_[key] == published) {
      note("a published entry is not found");  // nobody had begun to change it until after the look-up
    }
  }

  void clean_up() {
    while (!done_) {
      subject_.store.prune([](const K&) { return true; }, {});
      subject_.store.erase_group(group_of(key_of(keys + 1)));
      std::this_thread::yield();
    }
  }

  template <class Action>
  void guard(Action action) {
    try {
      action();
    } catch (const std::exception& error) {
      note(std::string("an exception: ") + error.what());
    }
  }
  void note(std::string what) {
    const std::lock_guard lock(mutex_);
    if (wrong_.size() < 10) wrong_.push_back(std::move(what));
  }

  S subject_;
  std::array<std::atomic<unsigned>, keys> begun_{}, published_{};
  std::atomic<bool> done_ = false;
  std::mutex mutex_;
  std::vector<std::string> wrong_;
};

template <class Model>
void thread_laws() {
  ThreadLaws<Model>().run();
}

}  // namespace render_cache::laws

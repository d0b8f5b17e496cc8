// Of a store that keeps leases: one owner at a time, for as long as he renews, and nobody gives back what is another's.
#pragma once

#include <render_cache/laws/store/subject.hpp>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

namespace render_cache::laws {

template <class Model>
void lease_laws() {
  using S = Subject<Model>;
  if constexpr (HasLeases<typename S::Store>) {
    using std::chrono::milliseconds;
    constexpr milliseconds long_time = std::chrono::minutes(10);
    S s;
    const auto key = sample_key<typename S::K>(1, 1), other_key = sample_key<typename S::K>(1, 2);
    const auto now = sample_fingerprint(1), later = sample_fingerprint(2);
    const auto renew = [&](const std::string& owner) {
      const std::vector<Query<typename S::K>> all{{key, now}, {other_key, now}};
      s.store.renew_leases(all, owner, long_time);
    };
    const auto ask = [&](const std::string& owner, milliseconds time) { return s.store.acquire_lease(key, now, owner, time); };

    SECTION("one owner has it, and may ask again") {
      CHECK(ask("a", long_time) == LeaseAnswer::granted);
      CHECK(ask("b", long_time) == LeaseAnswer::held);
      CHECK(ask("a", long_time) == LeaseAnswer::granted);
      CHECK(ask("b", long_time) == LeaseAnswer::held);
    }

    SECTION("each key and each fingerprint has its own") {
      CHECK(ask("a", long_time) == LeaseAnswer::granted);
      CHECK(s.store.acquire_lease(other_key, now, "b", long_time) == LeaseAnswer::granted);
      CHECK(s.store.acquire_lease(key, later, "c", long_time) == LeaseAnswer::granted);
      s.store.release_lease(key, later, "c");
      CHECK(ask("b", long_time) == LeaseAnswer::held);
      CHECK(s.store.acquire_lease(other_key, now, "a", long_time) == LeaseAnswer::held);
    }

    SECTION("it is free when its owner has given it back, and not when another has tried to") {
      CHECK(ask("a", long_time) == LeaseAnswer::granted);
      s.store.release_lease(key, now, "b");
      CHECK(ask("b", long_time) == LeaseAnswer::held);
      s.store.release_lease(key, now, "a");
      CHECK(ask("b", long_time) == LeaseAnswer::granted);
    }

    SECTION("it ends, and then is the next one's: who had it cannot give it back or renew it") {
      CHECK(ask("a", milliseconds(50)) == LeaseAnswer::granted);
      std::this_thread::sleep_for(milliseconds(150));
      CHECK(ask("b", long_time) == LeaseAnswer::granted);
      s.store.release_lease(key, now, "a");
      renew("a");
      CHECK(ask("a", long_time) == LeaseAnswer::held);
      CHECK(ask("c", long_time) == LeaseAnswer::held);
    }

    SECTION("it does not end while its owner renews it") {
      CHECK(ask("a", milliseconds(1000)) == LeaseAnswer::granted);
      CHECK(s.store.acquire_lease(other_key, now, "b", milliseconds(1000)) == LeaseAnswer::granted);
      renew("a");
      std::this_thread::sleep_for(milliseconds(1200));
      CHECK(ask("c", long_time) == LeaseAnswer::held);
      CHECK(s.store.acquire_lease(other_key, now, "c", long_time) == LeaseAnswer::granted);  // of another owner
    }

    SECTION("it is about work: what is stored is neither hidden nor kept from being published") {
      s.publish(key, 1);
      CHECK(ask("a", long_time) == LeaseAnswer::granted);
      s.check_holds(key, 1);
      s.publish(key, 2);
      s.check_holds(key, 2);
      CHECK(s.store.erase(key));
      CHECK(ask("b", long_time) == LeaseAnswer::held);
    }
  }
}

}  // namespace render_cache::laws

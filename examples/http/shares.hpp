// How many of the connections each client has, and may have.
#pragma once

#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <cstddef>
#include <map>
#include <mutex>

namespace http {

inline bool is_loopback(const boost::asio::ip::address& address) {
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    return boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, address.to_v6()).is_loopback();
  }
  return address.is_loopback();
}

/// Thread-safe.
class Shares {
 public:
  using Address = boost::asio::ip::address;

  /// `of_one`: the most that a client may have; 0: a quarter of `of_all`, and all of them from this machine.
  Shares(std::size_t of_one, std::size_t of_all) : of_one_(of_one), of_all_(of_all) {}

  [[nodiscard]] std::size_t share_of(const Address& address) const {
    if (of_one_ > 0) return of_one_;
    return is_loopback(address) ? of_all_ : std::max<std::size_t>(of_all_ / 4, 1);
  }

  /// One more connection; false where the client has its share.
  bool take(const Address& address) {
    const std::lock_guard lock(mutex_);
    auto& taken = taken_[client(address)];
    if (taken >= share_of(address)) return false;
    ++taken;
    return true;
  }
  void give_back(const Address& address) {
    const std::lock_guard lock(mutex_);
    const auto at = taken_.find(client(address));
    if (--at->second == 0) taken_.erase(at);
  }

 private:
  using Client = boost::asio::ip::address_v6::bytes_type;

  /// Who has an IPv6 address has 2^64 of them.
  static Client client(const Address& address) {
    if (address.is_v4()) return boost::asio::ip::make_address_v6(boost::asio::ip::v4_mapped, address.to_v4()).to_bytes();
    auto bytes = address.to_v6().to_bytes();
    if (!address.to_v6().is_v4_mapped()) std::fill(bytes.begin() + 8, bytes.end(), Client::value_type{0});
    return bytes;
  }

  const std::size_t of_one_, of_all_;
  std::mutex mutex_;
  std::map<Client, std::size_t> taken_;
};

}  // namespace http

// SHA-256 of a text, by OpenSSL: the default for shared stores and untrusted authors.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/concepts/hasher.hpp>
#include <render_cache/entry/error.hpp>
#include <render_cache/hasher/hex.hpp>

#include <openssl/evp.h>

#include <memory>
#include <string>
#include <string_view>

namespace render_cache {

/// `source=s2:<64 hex digits>`. Copies share the algorithm, which is fetched once. To be used from many threads at once.
class Sha256Hasher {
 public:
  /// Throws Error where OpenSSL offers no SHA-256.
  Sha256Hasher() : algorithm_(EVP_MD_fetch(nullptr, "SHA256", nullptr), &EVP_MD_free) {
    if (!algorithm_) throw Error("OpenSSL offers no SHA-256; is its default provider loaded?");
  }

  [[nodiscard]] std::string digest(std::string_view text) const {
    // Scratch space: a context costs more to make than a small text to hash.
    thread_local const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
    unsigned char bytes[32];
    if (!context || EVP_DigestInit_ex2(context.get(), algorithm_.get(), nullptr) != 1 ||
        EVP_DigestUpdate(context.get(), text.data(), text.size()) != 1 ||
        EVP_DigestFinal_ex(context.get(), bytes, nullptr) != 1) {
      throw Error("OpenSSL could not compute a SHA-256 of " + std::to_string(text.size()) + " bytes");
    }
    return detail::to_hex("s2:", bytes);
  }
  [[nodiscard]] Fingerprint components(std::string_view text) const {
    return std::move(Fingerprint().add("source", digest(text)));
  }

 private:
  std::shared_ptr<EVP_MD> algorithm_;
};

static_assert(TextHasher<Sha256Hasher> && check_hasher<Sha256Hasher, std::string>());

}  // namespace render_cache

#include <render_cache/hasher/sha256.hpp>
#include <render_cache/hasher/xxh3.hpp>

#include "support/catch.hpp"

#include <future>
#include <string>
#include <utility>

#include <openssl/evp.h>

namespace hashers_tests {

using namespace render_cache;

// Golden: a change of these texts empties every cache in the field. The digests are the algorithms' published ones.
TEST_CASE("the text of a digest carries its algorithm and is pinned") {
  CHECK(Sha256Hasher{}.components("abc").text() == "source=s2:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(Sha256Hasher{}.digest("") == "s2:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(Xxh3Hasher{}.components("abc").text() == "source=x3:06b05ab6733a618578af5f94892f3950");
  CHECK(Xxh3Hasher{}.digest("") == "x3:99aa06d3014798d86001c324468d497f");
}

TEST_CASE("a digest covers every byte, NUL included") {
  CHECK(Sha256Hasher{}.digest({"a\0b", 3}) != Sha256Hasher{}.digest({"a\0c", 3}));
  CHECK(Xxh3Hasher{}.digest({"a\0b", 3}) != Xxh3Hasher{}.digest({"a", 1}));
}

TEST_CASE("copies of a hasher agree") {
  const Sha256Hasher one;
  const auto two = one;
  CHECK(one.digest("x") == two.digest("x"));
}

TEST_CASE("a program whose OpenSSL has no SHA-256 is told so") {
  struct NoProvider {
    NoProvider() { EVP_set_default_properties(nullptr, "provider=none"); }
    NoProvider(const NoProvider&) = delete;
    NoProvider& operator=(const NoProvider&) = delete;
    ~NoProvider() { EVP_set_default_properties(nullptr, ""); }
  };
  {
    const NoProvider none;
    CHECK_THROWS_WITH(Sha256Hasher(), ContainsSubstring("OpenSSL offers no SHA-256"));
  }
  CHECK_NOTHROW(Sha256Hasher());
}

TEST_CASE("what OpenSSL cannot compute is an error and no digest") {
  Sha256Hasher hasher;
  const auto taken = std::move(hasher);
  const auto digest_in_a_new_thread = [](const Sha256Hasher& by) {
    return std::async(std::launch::async,
                      [&] {
                        try {
                          return by.digest("abc");
                        } catch (const Error& error) {
                          return std::string(error.what());
                        }
                      })
        .get();
  };
  CHECK(digest_in_a_new_thread(taken) == taken.digest("abc"));
  CHECK(digest_in_a_new_thread(hasher) == "OpenSSL could not compute a SHA-256 of 3 bytes");
}

}  // namespace hashers_tests

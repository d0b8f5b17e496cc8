// XXH3-128 of a text: fast, for one tenant on one machine. Not collision resistant: see sha256.hpp for shared stores.
#pragma once

#include <render_cache/requirements.hpp>

#include <render_cache/concepts/hasher.hpp>
#include <render_cache/hasher/hex.hpp>

#include <xxhash.h>

#include <string>
#include <string_view>

namespace render_cache {

/// `source=x3:<32 hex digits>`. An author who can choose texts can make two with one hash (seeded or not), and so
/// poison a cache that others share: use it only where all authors are one. To be used from many threads at once; throws nothing.
struct Xxh3Hasher {
  [[nodiscard]] std::string digest(std::string_view text) const {
    XXH128_canonical_t bytes;
    XXH128_canonicalFromHash(&bytes, XXH3_128bits(text.data(), text.size()));
    return detail::to_hex("x3:", {bytes.digest, sizeof bytes.digest});
  }
  [[nodiscard]] Fingerprint components(std::string_view text) const {
    return std::move(Fingerprint().add("source", digest(text)));
  }
};

static_assert(TextHasher<Xxh3Hasher> && check_hasher<Xxh3Hasher, std::string>());

}  // namespace render_cache

// The types that a schema's structs may use beyond those of the language: JSON, UUID, timestamp, bytes.
#pragma once

#include <render_cache/requirements.hpp>

#include <boost/uuid/uuid.hpp>

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace render_cache {

/// A JSON document as its text. The library moves it between renderer and column and never looks inside;
/// a database that has a JSON type refuses text that is not JSON (`InvalidValue`).
struct Json {
  std::string text;  ///< UTF-8
  friend bool operator==(const Json&, const Json&) = default;
};

/// 128 bits, as PostgreSQL's `uuid`; text form `8-4-4-4-12` in lower case.
using Uuid = boost::uuids::uuid;

/// Microseconds since the Unix epoch, UTC: what `TIMESTAMPTZ` holds.
using Timestamp = std::chrono::sys_time<std::chrono::microseconds>;

/// Any bytes, NUL among them: PostgreSQL's `bytea`, a `BLOB` elsewhere.
using Bytes = std::vector<std::byte>;

}  // namespace render_cache

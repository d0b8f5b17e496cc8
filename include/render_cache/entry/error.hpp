// Every error type the library throws. A message says what was wrong, with which value, and what to do.
#pragma once

#include <render_cache/requirements.hpp>

#include <exception>
#include <stdexcept>
#include <string>

namespace render_cache {

/// The base of all errors of this library.
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The base of a renderer's own errors (a limit passed, a source it cannot read). A renderer may throw
/// anything else too: every exception reaches all callers of the flight.
struct RenderError : Error {
  using Error::Error;
};

/// The renderer refuses this source for what it is: the same source would be refused again, so the refusal may be remembered
/// for as long as the source is the same.
struct RenderRefused : RenderError {
  using RenderError::RenderError;
};

/// A render asked the cache for what it is itself making, directly or through other renders.
struct RecursiveRender : Error {
  using Error::Error;
};

/// The caller's hard limit passed before the render was done. The render goes on and is stored.
struct RenderTimeout : Error {
  using Error::Error;
};

/// `get_many` was asked to stop before this key's turn came.
struct Cancelled : Error {
  using Error::Error;
};

/// The base of all that a store reports. A miss is not an error. `RenderCache` counts these and serves
/// a fresh render; only code that uses a store directly sees them.
struct StoreError : Error {
  using Error::Error;
};

/// The store cannot be reached or used now (server down, file gone, disk gone, pool exhausted, time-out).
/// Asking again later may help.
struct StoreUnavailable : StoreError {
  using StoreError::StoreError;
};

/// The store has not answered this call in time, but others meanwhile: what was slow is not the store. `RenderCache` goes on asking it.
struct StoreTimeout : StoreUnavailable {
  using StoreUnavailable::StoreUnavailable;
};

/// The store has no room for this value: disk full, or larger than its limit for one value.
struct StoreFull : StoreError {
  using StoreError::StoreError;
};

/// The store is there and may not be changed so: the role lacks a right, or the database is read-only. Asking again does not help.
struct StoreForbidden : StoreError {
  using StoreError::StoreError;
};

/// A value that the store cannot hold: a NUL byte or invalid UTF-8 in a text, JSON that is none.
struct InvalidValue : StoreError {
  using StoreError::StoreError;
};

/// A key that not every store can hold: longer than `max_key_bytes`, a NUL byte, invalid UTF-8. This is the caller's
/// mistake, so it is the one store error that `RenderCache` passes on.
struct InvalidKey : StoreError {
  using StoreError::StoreError;
};

/// The real table differs from the schema; the message names every column that does.
struct SchemaMismatch : StoreError {
  using StoreError::StoreError;
};

/// Migrations cannot be applied: a changed, missing or newer history, or a statement that failed.
struct MigrationError : StoreError {
  using StoreError::StoreError;
};

namespace detail {

/// Whether what was thrown is an E.
template <class E>
bool holds(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const E&) {
    return true;
  } catch (...) {
    return false;
  }
}

}  // namespace detail
}  // namespace render_cache

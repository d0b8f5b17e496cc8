// What was thrown, in words.
#pragma once

#include <render_cache/requirements.hpp>

#include <exception>
#include <string>

namespace render_cache::detail {

/// The message of the exception that is being handled, of whatever type it is.
inline std::string thrown_message() {
  try {
    throw;
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "an exception that is no std::exception was thrown";
  }
}

}  // namespace render_cache::detail

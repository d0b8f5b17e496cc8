# cmake -D OUTPUT=HEADER -D SOURCES=FILE|... -P embed.cmake: makes constants of files, named after them.

string(REPLACE "|" ";" SOURCES "${SOURCES}")
set(constants "")
foreach(source IN LISTS SOURCES)
  file(READ "${source}" content)
  cmake_path(GET source FILENAME name)
  string(REGEX REPLACE "[^a-zA-Z0-9]" "_" name "${name}")
  string(APPEND constants "inline constexpr std::string_view ${name} = R\"embedded(${content})embedded\";\n\n")
endforeach()
file(WRITE "${OUTPUT}" "// Made by embed.cmake.
#pragma once

#include <string_view>

namespace wiki::embedded {

${constants}}  // namespace wiki::embedded
")

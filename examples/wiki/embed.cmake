# Makes a header of files: cmake -D OUTPUT=HEADER -D SOURCES=FILE|... -P embed.cmake
# Each is a constant named after its file; those that end in .sql are in the list `migrations` instead, by folder and name.

string(REPLACE "|" ";" SOURCES "${SOURCES}")
set(files "")
set(migrations "")
foreach(source IN LISTS SOURCES)
  file(READ "${source}" content)
  set(content "R\"embedded(${content})embedded\"")
  cmake_path(GET source FILENAME name)
  if(name MATCHES "\\.sql$")
    cmake_path(GET source PARENT_PATH folder)
    cmake_path(GET folder FILENAME folder)
    string(APPEND migrations "    {\"${folder}\", \"${name}\", ${content}},\n")
  else()
    string(REGEX REPLACE "[^a-zA-Z0-9]" "_" name "${name}")
    string(APPEND files "inline constexpr std::string_view ${name} = ${content};\n\n")
  endif()
endforeach()
file(WRITE "${OUTPUT}" "// Made by embed.cmake.
#pragma once

#include <string_view>

namespace wiki::embedded {

${files}struct Script {
  std::string_view folder, name, text;
};

inline constexpr Script migrations[] = {
${migrations}};

}  // namespace wiki::embedded
")

# render_cache_embed_migrations(TARGET FUNCTION namespace::name [DIRECTORY migrations])
#
# Builds the scripts DIRECTORY/sqlite/NNNN_name.up.sql (and .down.sql), DIRECTORY/postgres/... into programs, which then need no
# files at run time. Each folder is of the engine that it is named after (`name` in its dialect). It writes the header
# <namespace/name.hpp> with
#     template <class Dialect> std::vector<render_cache::Migration> namespace::name()
# as in name<render_cache::SqliteDialect>(), and lets TARGET, and what links to it, include that. An engine without a folder has an
# empty vector.
# The header is made when CMake runs, which it does by itself after a script was changed, added or removed.
function(render_cache_embed_migrations target)
  cmake_parse_arguments(PARSE_ARGV 1 embed "" "FUNCTION;DIRECTORY" "")
  if(embed_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "render_cache_embed_migrations does not know: ${embed_UNPARSED_ARGUMENTS}")
  endif()
  if(NOT embed_FUNCTION MATCHES "^(.+)::([^:]+)$")
    message(FATAL_ERROR "render_cache_embed_migrations needs FUNCTION namespace::name, and got '${embed_FUNCTION}'")
  endif()
  set(namespace ${CMAKE_MATCH_1})
  set(name ${CMAKE_MATCH_2})
  if(NOT embed_DIRECTORY)
    set(embed_DIRECTORY migrations)
  endif()
  cmake_path(ABSOLUTE_PATH embed_DIRECTORY)

  file(GLOB folders CONFIGURE_DEPENDS LIST_DIRECTORIES true "${embed_DIRECTORY}/*")
  set(engines "")
  foreach(folder IN LISTS folders)
    _render_cache_migrations_of("${folder}" scripts)
    if(NOT scripts STREQUAL "")
      cmake_path(GET folder FILENAME engine)
      string(APPEND engines "  if constexpr (Dialect::name == \"${engine}\") {\n    return {\n${scripts}    };\n  }\n")
    endif()
  endforeach()
  if(engines STREQUAL "")
    message(FATAL_ERROR "there are no migrations in ${embed_DIRECTORY}: neither postgres/0001_name.up.sql nor sqlite/0001_name.up.sql")
  endif()

  set(include_dir "${CMAKE_CURRENT_BINARY_DIR}/${target}_migrations")
  string(REPLACE "::" "/" header "${include_dir}/${embed_FUNCTION}.hpp")
  set(new "${header}.new")
  cmake_path(GET embed_DIRECTORY FILENAME folder)
  file(WRITE "${new}" "// Made of the scripts in ${folder}/ by render_cache_embed_migrations: do not edit.
#pragma once

#include <render_cache/sql/migration.hpp>
#include <render_cache/sql/dialect.hpp>

#include <vector>

namespace ${namespace} {

template <class Dialect>
std::vector<render_cache::Migration> ${name}() {
  static_assert(render_cache::check_dialect<Dialect>());
${engines}  return {};
}

}  // namespace ${namespace}
")
  file(COPY_FILE "${new}" "${header}" ONLY_IF_DIFFERENT)
  file(REMOVE "${new}")

  get_target_property(type ${target} TYPE)
  if(type STREQUAL "INTERFACE_LIBRARY")
    set(scope INTERFACE)
  else()
    set(scope PUBLIC)
  endif()
  target_include_directories(${target} ${scope} "$<BUILD_INTERFACE:${include_dir}>")
endfunction()

# The initialisers of one folder's migrations, in the order of their versions.
function(_render_cache_migrations_of folder result)
  file(GLOB scripts CONFIGURE_DEPENDS "${folder}/*.sql")
  set(versions "")
  foreach(up_file IN LISTS scripts)
    cmake_path(GET up_file FILENAME name)
    if(NOT name MATCHES "^0*([1-9][0-9]*)_(.+)\\.(up|down)\\.sql$")
      message(FATAL_ERROR "${up_file} is not named like 0001_name.up.sql or 0001_name.down.sql")
    endif()
    set(version ${CMAKE_MATCH_1})
    set(name ${CMAKE_MATCH_2})
    if(CMAKE_MATCH_3 STREQUAL "down")
      string(REGEX REPLACE "\\.down\\.sql$" ".up.sql" up_file "${up_file}")
      if(NOT EXISTS "${up_file}")
        message(FATAL_ERROR "${up_file} is missing: there is only what undoes it")
      endif()
      continue()
    endif()
    if(version IN_LIST versions)
      message(FATAL_ERROR "version ${version} is there twice in ${folder}: ${name} is one of them")
    endif()
    list(APPEND versions ${version})
    string(REGEX REPLACE "\\.up\\.sql$" ".down.sql" down_file "${up_file}")
    set(up "")
    set(down "")
    foreach(direction IN ITEMS up down)
      if(EXISTS "${${direction}_file}")
        set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${${direction}_file}")
        file(READ "${${direction}_file}" ${direction})
        if(${direction} MATCHES "\\)sql\"")
          message(FATAL_ERROR "${${direction}_file} has )sql\" in it, which ends the C++ text that it becomes: write it otherwise")
        endif()
      endif()
    endforeach()
    set(initialiser_${version} "        {${version}, \"${name}\", R\"sql(${up})sql\", R\"sql(${down})sql\"},\n")
  endforeach()
  list(SORT versions COMPARE NATURAL)
  set(text "")
  foreach(version IN LISTS versions)
    string(APPEND text "${initialiser_${version}}")
  endforeach()
  set(${result} "${text}" PARENT_SCOPE)
endfunction()

# cmake -D source=migrations -D function=wiki_migrations -D header=include/render_cache/wiki_migrations.hpp
#       -P cmake/embed_migrations.cmake
# Writes the migrations below `source`/postgres and `source`/sqlite into a header, for programs that have no files at run time.
foreach(name IN ITEMS source function header)
  if(NOT ${name})
    message(FATAL_ERROR "-D ${name}=... is missing")
  endif()
endforeach()

function(embed dialect result)
  file(GLOB files "${source}/${dialect}/*.up.sql")
  list(SORT files)
  set(entries "")
  foreach(file IN LISTS files)
    cmake_path(GET file FILENAME name)
    if(NOT name MATCHES "^0*([1-9][0-9]*)_(.+)\\.up\\.sql$")
      message(FATAL_ERROR "${file} is not named like 0001_name.up.sql")
    endif()
    set(version ${CMAKE_MATCH_1})
    set(name ${CMAKE_MATCH_2})
    file(READ "${file}" up)
    string(REPLACE ".up.sql" ".down.sql" down_file "${file}")
    set(down "")
    if(EXISTS "${down_file}")
      file(READ "${down_file}" down)
    endif()
    string(APPEND entries "      {${version}, \"${name}\", R\"sql(${up})sql\", R\"sql(${down})sql\"},\n")
  endforeach()
  set(${result} "${entries}" PARENT_SCOPE)
endfunction()

embed(postgres postgres)
embed(sqlite sqlite)
cmake_path(GET source FILENAME folder)
file(WRITE "${header}"
"// What ${folder}/ holds, for programs that have no files at run time. Made by cmake/embed_migrations.cmake: do not edit.
#pragma once

#include <render_cache/sql/migration.hpp>
#include <render_cache/sql/statements.hpp>

#include <vector>

// clang-format off
namespace render_cache {

/// The migrations of ${folder}/ for one database.
inline std::vector<Migration> ${function}(Dialect dialect) {
  if (dialect == Dialect::postgres) {
    return {
${postgres}    };
  }
  return {
${sqlite}  };
}

}  // namespace render_cache
")

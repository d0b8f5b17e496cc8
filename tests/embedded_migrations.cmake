# Makes the header again, elsewhere, and compares.
set(root "${CMAKE_CURRENT_LIST_DIR}/..")
execute_process(COMMAND "${CMAKE_COMMAND}" -D "source=${root}/migrations" -D function=wiki_migrations -D "header=${SCRATCH}"
  -P "${root}/cmake/embed_migrations.cmake" COMMAND_ERROR_IS_FATAL ANY)
file(READ "${SCRATCH}" made)
file(READ "${root}/include/render_cache/wiki_migrations.hpp" committed)
if(NOT made STREQUAL committed)
  message(FATAL_ERROR "include/render_cache/wiki_migrations.hpp is not what migrations/ holds: make it again with\n"
    "  cmake -D source=migrations -D function=wiki_migrations -D header=include/render_cache/wiki_migrations.hpp"
    " -P cmake/embed_migrations.cmake")
endif()

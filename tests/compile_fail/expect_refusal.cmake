# cmake -P expect_refusal.cmake SOURCE COMPILER ARGUMENTS...: passes when the compiler refuses SOURCE with the text it expects,
# among the first five lines that it prints: nobody reads further.
set(source "${CMAKE_ARGV3}")
set(compile "")
math(EXPR last "${CMAKE_ARGC} - 1")
foreach(i RANGE 4 ${last})
  list(APPEND compile "${CMAKE_ARGV${i}}")
endforeach()

file(STRINGS "${source}" first_line LIMIT_COUNT 1)
if(NOT first_line MATCHES "^// expect: (.+)$")
  message(FATAL_ERROR "${source}: the first line must be `// expect: text of the error`")
endif()
set(expected "${CMAKE_MATCH_1}")

execute_process(COMMAND ${compile} "${source}" RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(result EQUAL 0)
  message(FATAL_ERROR "${source} compiles; it must be refused with: ${expected}")
endif()
string(REGEX MATCH "^([^\n]*\n)?([^\n]*\n)?([^\n]*\n)?([^\n]*\n)?([^\n]*\n)?" first_lines "${output}")
string(FIND "${first_lines}" "${expected}" position)
if(position EQUAL -1)
  message(FATAL_ERROR "${source} is refused, but not with this among the first five lines: ${expected}\n${output}")
endif()

# The library's targets. They are passive: no flags, and no standard beyond cxx_std_20.

set(render_cache_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/render_cache)
set(render_cache_include_dir "${PROJECT_SOURCE_DIR}/include")
set(render_cache_claimed_headers "")
set(render_cache_missing_components "")

# One header-only target with its header set and its part of the installed package.
function(render_cache_add_target target export_name export_set)
  add_library(${target} INTERFACE)
  add_library(render_cache::${export_name} ALIAS ${target})
  target_compile_features(${target} INTERFACE cxx_std_20)
  target_sources(${target} INTERFACE
    FILE_SET HEADERS BASE_DIRS "${render_cache_include_dir}" FILES ${ARGN})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${export_name})
  install(TARGETS ${target} EXPORT ${export_set} FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
  install(EXPORT ${export_set} NAMESPACE render_cache:: DESTINATION ${render_cache_package_dir})
endfunction()

# render_cache_add_component(NAME HEADERS patterns below include/render_cache...)
function(render_cache_add_component name)
  cmake_parse_arguments(PARSE_ARGV 1 component "" "" "HEADERS")
  list(TRANSFORM component_HEADERS PREPEND "${render_cache_include_dir}/render_cache/")
  file(GLOB headers CONFIGURE_DEPENDS ${component_HEADERS})
  set(render_cache_claimed_headers ${render_cache_claimed_headers} ${headers} PARENT_SCOPE)

  render_cache_find_packages(${name})
  if(render_cache_${name}_FOUND)
    render_cache_add_target(render_cache_${name} ${name} render_cache-${name}-targets ${headers})
    target_link_libraries(render_cache_${name} INTERFACE render_cache PkgConfig::render_cache_${name})
  elseif(name IN_LIST RENDER_CACHE_COMPONENTS)
    message(FATAL_ERROR "The component ${name} was asked for and needs, by pkg-config: ${render_cache_${name}_packages}")
  else()
    message(STATUS "render_cache::${name} is left out; it needs, by pkg-config: ${render_cache_${name}_packages}")
    set(render_cache_missing_components ${render_cache_missing_components} ${name} PARENT_SCOPE)
  endif()
endfunction()

# The core, after all components: the headers that none of them has claimed, and the package's configuration.
function(render_cache_add_core)
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS "${render_cache_include_dir}/*.hpp")
  list(REMOVE_ITEM headers ${render_cache_claimed_headers})
  foreach(header IN LISTS headers)
    file(STRINGS "${header}" foreign REGEX "#include <(pqxx|libpq|sqlite3|md4c|gumbo|yaml-cpp|nlohmann|xxhash|openssl)")
    if(foreign)
      message(FATAL_ERROR "${header} belongs to a component, for it has ${foreign}: name it there in CMakeLists.txt")
    endif()
  endforeach()
  render_cache_add_target(render_cache render_cache render_cache-targets ${headers})
  target_link_libraries(render_cache INTERFACE Boost::headers Threads::Threads)

  configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/render_cache-config.cmake.in" render_cache-config.cmake
    INSTALL_DESTINATION ${render_cache_package_dir})
  write_basic_package_version_file(render_cache-config-version.cmake COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
endfunction()

# The library's targets. They are passive: no flags, and no standard beyond cxx_std_20.

# Nothing that is installed depends on the processor.
set(render_cache_package_dir ${CMAKE_INSTALL_DATADIR}/cmake/render_cache)
set(render_cache_pkgconfig_dir ${CMAKE_INSTALL_DATADIR}/pkgconfig)
set(render_cache_include_dir "${PROJECT_SOURCE_DIR}/include")
set(render_cache_claimed_headers "")

# One header-only target with its header set and its part of the installed package.
function(render_cache_add_target target export_name export_set)
  add_library(${target} INTERFACE)
  add_library(render_cache::${export_name} ALIAS ${target})
  target_compile_features(${target} INTERFACE cxx_std_20)
  target_sources(${target} INTERFACE
    FILE_SET HEADERS BASE_DIRS "${render_cache_include_dir}" FILES ${ARGN})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${export_name})
  if(RENDER_CACHE_INSTALL)
    install(TARGETS ${target} EXPORT ${export_set} FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
    install(EXPORT ${export_set} NAMESPACE render_cache:: DESTINATION ${render_cache_package_dir})
  endif()
endfunction()

# render_cache_add_pkgconfig(NAME description REQUIRES packages... DEFINITIONS definitions...): NAME.pc, which may be moved
# together with the headers.
function(render_cache_add_pkgconfig name description)
  cmake_parse_arguments(PARSE_ARGV 2 pc "" "" "REQUIRES;DEFINITIONS")
  list(JOIN pc_REQUIRES ", " requires)
  string(REGEX REPLACE "(>=|=)" " \\1 " requires "${requires}")
  list(TRANSFORM pc_DEFINITIONS PREPEND "-D")
  list(JOIN pc_DEFINITIONS " " definitions)
  string(REGEX REPLACE "[^/]+" ".." up "${render_cache_pkgconfig_dir}") # from there to the prefix
  set(includedir "\${prefix}")
  cmake_path(APPEND includedir "${CMAKE_INSTALL_INCLUDEDIR}")
  configure_file("${PROJECT_SOURCE_DIR}/cmake/component.pc.in" ${name}.pc @ONLY)
  if(RENDER_CACHE_INSTALL)
    install(FILES "${CMAKE_CURRENT_BINARY_DIR}/${name}.pc" DESTINATION ${render_cache_pkgconfig_dir})
  endif()
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
    render_cache_add_pkgconfig(render_cache-${name} "render_cache's component ${name}"
      REQUIRES render_cache=${PROJECT_VERSION} ${render_cache_${name}_packages} ${render_cache_${name}_stated}
      DEFINITIONS ${render_cache_${name}_definitions})
  elseif(name IN_LIST RENDER_CACHE_COMPONENTS)
    message(FATAL_ERROR "The component ${name} was asked for and needs, by pkg-config: ${render_cache_${name}_packages}")
  else()
    message(STATUS "render_cache::${name} is left out; it needs, by pkg-config: ${render_cache_${name}_packages}")
  endif()
endfunction()

# The core, after all components: the headers that none of them has claimed, and the package's configuration.
function(render_cache_add_core)
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS "${render_cache_include_dir}/*.hpp")
  list(REMOVE_ITEM headers ${render_cache_claimed_headers})
  foreach(header IN LISTS headers)
    file(STRINGS "${header}" foreign REGEX "#include <(pqxx|libpq|sqlite3|md4c|gumbo|yaml-cpp|rapidjson|xxhash|openssl|prometheus|catch2)")
    if(foreign)
      message(FATAL_ERROR "${header} belongs to a component, for it has ${foreign}: name it there in CMakeLists.txt")
    endif()
  endforeach()
  render_cache_add_target(render_cache render_cache render_cache-targets ${headers})
  target_link_libraries(render_cache INTERFACE Boost::headers Threads::Threads)
  render_cache_add_pkgconfig(render_cache "${PROJECT_DESCRIPTION}")

  render_cache_embed_migrations(render_cache FUNCTION render_cache::detail::wiki_migrations)
  target_sources(render_cache INTERFACE FILE_SET HEADERS
    BASE_DIRS "${CMAKE_CURRENT_BINARY_DIR}/render_cache_migrations"
    FILES "${CMAKE_CURRENT_BINARY_DIR}/render_cache_migrations/render_cache/detail/wiki_migrations.hpp")
endfunction()

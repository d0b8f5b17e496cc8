# What is installed beside the targets, and the Debian package of all that.

include(CMakePackageConfigHelpers)
configure_package_config_file(cmake/render_cache-config.cmake.in "${PROJECT_BINARY_DIR}/render_cache-config.cmake"
  INSTALL_DESTINATION ${render_cache_package_dir})
write_basic_package_version_file("${PROJECT_BINARY_DIR}/render_cache-config-version.cmake"
  COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES "${PROJECT_BINARY_DIR}/render_cache-config.cmake" "${PROJECT_BINARY_DIR}/render_cache-config-version.cmake"
  cmake/dependencies.cmake cmake/render_cache_embed_migrations.cmake DESTINATION ${render_cache_package_dir})
install(DIRECTORY migrations DESTINATION ${CMAKE_INSTALL_DATADIR}/render_cache)
install(FILES README.md CHANGELOG.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DOCDIR})

# The package for Debian and its relatives. It depends on those of what the .pc files in it require, except for that of the laws,
# which are for tests.
set(debian_sqlite3 libsqlite3-dev)
set(debian_libpqxx libpqxx-dev)
set(debian_libpq libpq-dev)
set(debian_md4c libmd4c-dev)
set(debian_gumbo libgumbo-dev)
set(debian_yaml-cpp libyaml-cpp-dev)
set(debian_RapidJSON rapidjson-dev)
set(debian_libxxhash libxxhash-dev)
set(debian_libcrypto libssl-dev)
set(debian_prometheus-cpp-core prometheus-cpp-dev)
set(debian_catch2 "libcatch2-dev | catch2") # the second is Debian 12's

# The packages of one component, such as "libpqxx-dev (>= 6.4), libpq-dev".
function(render_cache_debian_packages component result)
  set(packages "")
  foreach(package IN LISTS render_cache_${component}_packages)
    string(REGEX MATCH "^([^>]+)(>=(.+))?$" matched "${package}")
    set(bound "")
    if(CMAKE_MATCH_3)
      set(bound " (>= ${CMAKE_MATCH_3})")
    endif()
    if(NOT debian_${CMAKE_MATCH_1})
      message(FATAL_ERROR "cmake/install.cmake does not say which Debian package has ${CMAKE_MATCH_1}")
    endif()
    list(APPEND packages "${debian_${CMAKE_MATCH_1}}${bound}")
  endforeach()
  list(JOIN packages ", " packages)
  set(${result} "${packages}" PARENT_SCOPE)
endfunction()

# Debian 12's libboost-dev is older; it has the newer one under its own name.
set(CPACK_DEBIAN_PACKAGE_DEPENDS
  "libboost-dev (>= ${render_cache_boost_version}) | libboost${render_cache_boost_version}-dev, pkgconf")
foreach(component IN LISTS render_cache_components)
  if(TARGET render_cache::${component})
    render_cache_debian_packages(${component} packages)
    string(APPEND CPACK_DEBIAN_PACKAGE_DEPENDS ", ${packages}")
  endif()
endforeach()
render_cache_debian_packages(laws CPACK_DEBIAN_PACKAGE_RECOMMENDS)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS cmake)
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_CONTACT "The render_cache contributors <render_cache@localhost>")
set(CPACK_DEBIAN_PACKAGE_NAME librender-cache-dev)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE all)
set(CPACK_DEBIAN_PACKAGE_SECTION libdevel)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/librender-cache-dev RENAME copyright
  COMPONENT debian EXCLUDE_FROM_ALL)
set(CPACK_INSTALL_CMAKE_PROJECTS "${PROJECT_BINARY_DIR};${PROJECT_NAME};ALL;/;${PROJECT_BINARY_DIR};${PROJECT_NAME};debian;/")
include(CPack)

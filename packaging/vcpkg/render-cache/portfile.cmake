# An overlay port of the checkout that it stands in.
set(SOURCE_PATH "${CURRENT_PORT_DIR}/../../..")
set(VCPKG_BUILD_TYPE release) # headers only

# The features are the components that must be found.
set(components ${FEATURES})
list(REMOVE_ITEM components core)
vcpkg_find_acquire_program(PKGCONFIG)
vcpkg_cmake_configure(
  SOURCE_PATH "${SOURCE_PATH}"
  OPTIONS
    "-DPKG_CONFIG_EXECUTABLE=${PKGCONFIG}"
    "-DRENDER_CACHE_COMPONENTS=${components}"
    -DRENDER_CACHE_BUILD_TESTS=OFF
    -DRENDER_CACHE_BUILD_EXAMPLES=OFF
    -DRENDER_CACHE_BUILD_BENCHMARKS=OFF
    -DRENDER_CACHE_INSTALL=ON)
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(PACKAGE_NAME render_cache CONFIG_PATH share/cmake/render_cache)
vcpkg_fixup_pkgconfig()
file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/share/doc")
file(INSTALL "${CMAKE_CURRENT_LIST_DIR}/usage" DESTINATION "${CURRENT_PACKAGES_DIR}/share/${PORT}")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")

# What each component needs, declared once: the build includes this file, and so does the installed package.
#
# Boost is headers only. Everything else is found through pkg-config, which all of these libraries support.

# What programs are made of. `laws` is a component too, for tests.
set(render_cache_components sqlite postgres markdown xxhash openssl prometheus)

set(render_cache_boost_version 1.81) # the oldest that is tested: Debian 12 has it
set(render_cache_sqlite_packages sqlite3>=3.37 RapidJSON>=1.1 libxxhash>=0.8) # STRICT tables
set(render_cache_postgres_packages libpqxx>=6.4 libpq RapidJSON>=1.1 libxxhash>=0.8)
set(render_cache_markdown_packages md4c>=0.4.8 gumbo yaml-cpp RapidJSON>=1.1)
set(render_cache_xxhash_packages libxxhash>=0.8)
set(render_cache_openssl_packages libcrypto>=3.0)
set(render_cache_prometheus_packages prometheus-cpp-core>=1.0)
set(render_cache_laws_packages catch2>=2.13)

# Finds the packages of one component and makes the target PkgConfig::render_cache_NAME of them;
# render_cache_NAME_FOUND tells whether they are there. A further argument (QUIET) goes to pkg-config's module.
macro(render_cache_find_packages name)
  if(NOT TARGET PkgConfig::render_cache_${name})
    pkg_check_modules(render_cache_${name} IMPORTED_TARGET ${ARGN} ${render_cache_${name}_packages})
    if("${name}" STREQUAL "markdown" AND render_cache_markdown_FOUND)
      # The headers of md4c and gumbo do not tell their versions, on which the rendered text depends. A .pc file cannot ask
      # for them: it states those of its making, and requires them.
      set(render_cache_markdown_definitions
        RENDER_CACHE_MD4C_VERSION=${render_cache_markdown_md4c_VERSION}
        RENDER_CACHE_GUMBO_VERSION=${render_cache_markdown_gumbo_VERSION})
      set(render_cache_markdown_stated md4c=${render_cache_markdown_md4c_VERSION} gumbo=${render_cache_markdown_gumbo_VERSION})
      target_compile_definitions(PkgConfig::render_cache_markdown INTERFACE ${render_cache_markdown_definitions})
    endif()
  endif()
endmacro()

// One include for Catch2 2 (Debian 12) and 3 (Debian 13).
#pragma once

#include <render_cache/requirements.hpp>

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif

// What nearly every test includes, compiled once for all of them. Each includes itself what it names, nevertheless.
#pragma once

#include "support/catch.hpp"

#include <render_cache/render_cache.hpp>

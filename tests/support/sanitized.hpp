// RENDER_CACHE_TEST_SANITIZED: whether a sanitizer is on, whose shadow, and whose keeping of what was freed, is memory too.
#pragma once

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define RENDER_CACHE_TEST_SANITIZED
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define RENDER_CACHE_TEST_SANITIZED
#endif

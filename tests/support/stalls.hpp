// Limits of time, on machines that stand still now and then.
#pragma once

namespace render_cache::test {

/// Whether `keeps_its_limit` said so in one of ten runs: a machine that stalls breaks some of them, a defect all.
template <class Run>
bool in_one_of_ten(Run keeps_its_limit) {
  for (int run = 0; run < 10; ++run) {
    if (keeps_its_limit()) return true;
  }
  return false;
}

}  // namespace render_cache::test

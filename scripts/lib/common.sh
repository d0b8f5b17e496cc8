# Sourced by the scripts: messages, jobs, compilers, cleaning up.

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)

say() { printf '==> %s\n' "$*" >&2; }
fail() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# help_and_exit: the comment at the top of the script is its help.
help_and_exit() {
  sed -n '2,/^[^#]/{s/^# \{0,1\}//p}' "$0"
  exit 0
}

# Steps to undo what the script started, run last first however it ends.
cleanup_steps=()
at_exit() { cleanup_steps=("$1" "${cleanup_steps[@]}"); }
clean_up() {
  local status=$? step
  trap - EXIT
  for step in "${cleanup_steps[@]}"; do "$step"; done
  exit "$status"
}
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# One job for each core, but no more than memory allows: a translation unit takes up to 1.5 GB.
jobs() {
  local cores memory
  cores=$(nproc)
  memory=$(awk '/^MemAvailable/ {print int($2 / 1500000)}' /proc/meminfo)
  if ((memory < 1)); then memory=1; fi
  echo $((cores < memory ? cores : memory))
}

# The first Clang that is new enough: Debian 12 calls it clang++-16.
clang() {
  local name version
  for name in clang++ clang++-{21,20,19,18,17,16}; do
    version=$("$name" -dumpversion 2>/dev/null) || continue
    if ((${version%%.*} >= 16)); then
      echo "$name"
      return
    fi
  done
  fail "no Clang 16 or newer is installed"
}

# build PRESET TARGETS [CONFIGURE OPTIONS...]: configures and builds; the targets are one word list.
build() {
  local preset=$1 targets=$2
  shift 2
  if command -v ccache >/dev/null; then export CMAKE_CXX_COMPILER_LAUNCHER=ccache; fi
  say "Configuring $preset"
  cmake --preset "$preset" "$@" >"$root/build/configure.log" || { cat "$root/build/configure.log" >&2; exit 1; }
  say "Building $preset"
  # shellcheck disable=SC2086
  cmake --build --preset "$preset" --parallel "$(jobs)" --target $targets >&2
}

# RENDER_CACHE_DATA, for tests and benchmarks that want real pages: given, or beside the checkout, or none.
use_sample_data() {
  if [[ -z ${RENDER_CACHE_DATA:-} && -d $root/../shared/data ]]; then RENDER_CACHE_DATA=$(cd "$root/../shared/data" && pwd); fi
  if [[ -n ${RENDER_CACHE_DATA:-} ]]; then export RENDER_CACHE_DATA; fi
}

# Aligns lines of cells that tabs separate: names to the left, figures to the right.
print_table() {
  awk -F '\t' '
    { for (i = 1; i <= NF; ++i) { cell[NR, i] = $i; if (length($i) > width[i]) width[i] = length($i) } }
    END {
      for (row = 1; row <= NR; ++row) {
        line = sprintf("%-" width[1] "s", cell[row, 1])
        for (i = 2; i <= NF; ++i) line = line sprintf("  %" width[i] "s", cell[row, i])
        print line
      }
    }'
}

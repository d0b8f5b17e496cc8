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

# wait_until_ready PID LOG COMMAND...: until the command succeeds. Fails, and shows the log, when the process has ended before or a
# minute has passed.
wait_until_ready() {
  local pid=$1 log=$2 tries=0
  shift 2
  until "$@"; do
    if ! kill -0 "$pid" 2>/dev/null || ((++tries > 600)); then
      cat "$log" >&2
      return 1
    fi
    sleep 0.1
  done
}

# end_process PID [SIGNAL]: ends what this shell started, if it did, and waits for it.
end_process() {
  if [[ -z ${1:-} ]]; then return; fi
  kill "-${2:-TERM}" "$1" 2>/dev/null || true
  wait "$1" 2>/dev/null || true
}

# One job for each core, but no more than memory allows: a translation unit takes up to $unit_memory kB.
unit_memory=1500000
jobs() {
  local cores memory
  cores=$(nproc)
  memory=$(awk -v unit="$unit_memory" '/^MemAvailable/ {print int($2 / unit)}' /proc/meminfo)
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

# step WHAT LOG ADVICE COMMAND...: runs the command, keeps what it prints in build/LOG and shows the lines of it that match
# $shows. When it fails the script ends with one line: what failed, the first error of the log, what to do, and the log's name.
step() {
  local what=$1 log=$root/build/$2 advice=$3 status=0 cause
  shift 3
  mkdir -p "${log%/*}"
  LC_ALL=C.UTF-8 "$@" 2>&1 | tee "$log" | { grep --line-buffered -E -e "${shows:-.}" >&2 || true; } || status=$?
  if ((status == 0)); then return; fi
  # CMake says below the line that says where, in some lines, what is wrong.
  cause=$(awk '/^CMake Error/ && cause == "" { where = cause = $0; next }
               where != "" && /^(Call Stack|--)/ { exit }
               where != "" { gsub(/^ +| +$/, ""); if (NF) cause = cause " " $0; next }
               /^E: |[Ee]rror: |^sudo: / { cause = $0; exit }
               END { print substr(cause, 1, 400) }' "$log")
  fail "$what failed: ${cause:-$(tail -n 1 "$log")}; $advice; the whole log is $log"
}
nothing='^$nothing' # for $shows

# build PRESET TARGETS [CONFIGURE OPTIONS...]: configures and builds; the targets are one word list. $build_shows is the part of
# the build's output that is shown.
build_shows=.
build() {
  local preset=$1 targets=$2
  shift 2
  if command -v ccache >/dev/null; then export CMAKE_CXX_COMPILER_LAUNCHER=ccache CCACHE_SLOPPINESS=pch_defines,time_macros; fi
  say "Configuring $preset"
  shows=$nothing step "configuring $preset" "$preset.configure.log" \
    "if packages or this folder's path changed since the last time, remove build/$preset and try again" \
    cmake --preset "$preset" "$@"
  say "Building $preset (some minutes at first; the log is build/$preset.build.log)"
  # shellcheck disable=SC2086
  shows=$build_shows step "building $preset" "$preset.build.log" \
    "where memory or disk ran out free some and try again, else it is a defect: report it with the log" \
    cmake --build --preset "$preset" --parallel "$(jobs)" --target $targets
}

# part NAME COMMAND...: runs the command, says how long it took, and notes it for the table that .ci/run prints.
part() {
  local start=$SECONDS status=0
  "${@:2}" || status=$?
  say "$1: $((SECONDS - start)) s"
  printf '%s\t%d:%02d\n' "$1" $(((SECONDS - start) / 60)) $(((SECONDS - start) % 60)) >>"${RENDER_CACHE_TIMES:-/dev/null}"
  return "$status"
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

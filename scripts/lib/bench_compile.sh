# Sourced by scripts/bench: what compiling costs, each header alone and whole programs, with GCC at -O2 and one at a time.

install_packages "${packages_build[@]}" "${packages_bench_compile[@]}"
mkdir -p build/bench
cmake --preset gcc-release -D RENDER_CACHE_BUILD_BENCHMARKS=OFF >build/configure.log || { cat build/configure.log >&2; exit 1; }

# flags_of FILE [CHECKOUT]: the options that the build gives it, a word each, without those that name what is read and written.
flags_of() {
  local checkout=${2:-$root}
  jq --raw-output --arg file "$checkout/$1" '.[] | select(.file == $file) | .command' \
    "$checkout/build/gcc-release/compile_commands.json" | head -n 1 |
    xargs -n 1 | awk 'NR == 1 && /ccache$/ {next} /^-(o|c|MT|MF)$/ {getline; next} /^-(MD|O3)$/ {next} {print}'
}

# measure FILE COMPILER FLAG...: "seconds kilobytes" of the compiler's processes together, the best of three.
measure() {
  local file=$1
  shift
  for _ in 1 2 3; do
    /usr/bin/time --format '%U %S %M' --output build/bench/time "$@" -O2 -c "$file" -o build/bench/object.o >&2 ||
      fail "$file does not compile"
    awk '{printf "%.2f %d\n", $1 + $2, $3}' build/bench/time
  done | sort -g | head -n 1
}

# row NAME FILE COMPILER FLAG...: beside nlohmann/json.hpp, which is measured first.
row() {
  local name=$1 figures seconds memory
  shift
  figures=$(measure "$@")
  read -r seconds memory <<<"$figures"
  : "${bound_seconds:=$seconds}" "${bound_memory:=$memory}"
  awk -v OFS='\t' -v name="$name" -v s="$seconds" -v m="$memory" -v bs="$bound_seconds" -v bm="$bound_memory" 'BEGIN {
    print name, sprintf("%.2f s", s), sprintf("%.2f", s / bs), sprintf("%d MB", m / 1024), sprintf("%.2f", m / bm) }' >>build/bench/compile.tsv
}

mapfile -t flags < <(flags_of examples/quickstart.cpp)
say "Compiling; three times each, which takes some minutes"
printf 'compiled\ttime\tof json.hpp\tmemory\tof json.hpp\n' >build/bench/compile.tsv

for header in nlohmann/json.hpp string map $(cd include && printf '%s\n' render_cache/*.hpp render_cache/*/*.hpp | grep -v /laws/); do
  if [[ $header != *render_cache/* || $header =~ ${1:-.} ]]; then
    echo "#include <$header>" >build/bench/header.cpp
    row "<$header>" build/bench/header.cpp "${flags[@]}"
  fi
done
for program in examples/quickstart.cpp examples/wiki/*.cpp examples/wiki/*/*.cpp; do
  if [[ $program =~ ${1:-.} ]]; then
    mapfile -t flags < <(flags_of "$program")
    if ((${#flags[@]} > 0)); then row "$program" "$program" "${flags[@]}"; fi
  fi
done

# The quickstart of another commit, in the same run: RENDER_CACHE_BENCH_BASE=COMMIT.
if [[ -n ${RENDER_CACHE_BENCH_BASE:-} ]]; then
  base=$root/build/bench/base
  rm -rf "$base"
  mkdir "$base"
  git archive "$RENDER_CACHE_BENCH_BASE" | tar --extract --directory "$base"
  (cd "$base" && cmake --preset gcc-release >"$root/build/configure.log") || { cat build/configure.log >&2; exit 1; }
  mapfile -t flags < <(flags_of examples/quickstart.cpp "$base")
  row "examples/quickstart.cpp at $RENDER_CACHE_BENCH_BASE" "$base/examples/quickstart.cpp" "${flags[@]}"
fi

say "The best of 3 each, processor time and the most memory at once, beside nlohmann/json.hpp"
print_table <build/bench/compile.tsv

# Sourced by scripts/bench: clean-up in large tables, while another process publishes all the time. A million entries take some
# minutes and 3 GB of disk.

packages=("${packages_build[@]}" "${packages_bench[@]}")
if [[ -z ${RENDER_CACHE_BENCH_POSTGRES:-} ]]; then packages+=("$package_postgres"); fi
install_packages "${packages[@]}"
build gcc-release clean_up -D RENDER_CACHE_BUILD_BENCHMARKS=ON
start_postgres RENDER_CACHE_BENCH_POSTGRES || fail "PostgreSQL cannot be started"

scale_folder=$(mktemp -d "${TMPDIR:-/tmp}/render_cache_scale.XXXXXX")
remove_scale_folder() { rm -rf -- "$scale_folder"; }
at_exit remove_scale_folder

if (($# == 0)); then set -- 10000 100000 1000000; fi
mkdir -p build/bench
printf 'store\tentries\tby\tremoved\ts\terasing, s\tpublishes\tfailed\tlongest, ms\tcanary late, ms\twal, MB\n' >build/bench/scale.tsv
for entries in "$@"; do
  for store in "sqlite:$scale_folder/$entries.db" "postgres:$RENDER_CACHE_BENCH_POSTGRES"; do
    say "Filling ${store%%:*} with $entries entries"
    build/gcc-release/benchmarks/clean_up fill "$store" $((entries / 10 * 9)) $((entries / 10))
    for by in age query predicate size; do
      say "Removing by $by"
      printf '%s\t%s\t%s\t%s\n' "${store%%:*}" "$entries" "$by" \
        "$(build/gcc-release/benchmarks/clean_up "$by" "$store")" >>build/bench/scale.tsv
    done
    rm -f "$scale_folder"/*.db*
  done
done
print_table <build/bench/scale.tsv

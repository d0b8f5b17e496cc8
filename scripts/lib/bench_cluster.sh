# Sourced by scripts/bench: what leases save and cost, among processes that share a store. Takes some minutes.

packages=("${packages_build[@]}" "${packages_bench[@]}")
if [[ -z ${RENDER_CACHE_BENCH_POSTGRES:-} ]]; then packages+=("$package_postgres"); fi
install_packages "${packages[@]}"
build gcc-release cluster -D RENDER_CACHE_BUILD_BENCHMARKS=ON
start_postgres RENDER_CACHE_BENCH_POSTGRES || fail "PostgreSQL cannot be started"

cluster_folder=$(mktemp -d "${TMPDIR:-/tmp}/render_cache_cluster.XXXXXX")
remove_cluster_folder() { rm -rf -- "$cluster_folder"; }
at_exit remove_cluster_folder

mkdir -p build/bench
printf 'store\thits, %%\trender, ms\tnodes\treads\trenders\ts\twith leases\ts\ta lease, us\n' >build/bench/cluster.tsv
for store in "sqlite:$cluster_folder/cache.db" "postgres:$RENDER_CACHE_BENCH_POSTGRES"; do
  say "Nodes on ${store%%:*}"
  build/gcc-release/benchmarks/cluster "$store" | while IFS= read -r row; do
    printf '%s\t%s\n' "${store%%:*}" "$row"
  done >>build/bench/cluster.tsv
done
print_table <build/bench/cluster.tsv

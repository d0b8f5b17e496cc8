# Sourced by scripts/bench: what tables cost by their size, and clean-up in them while another process publishes all the time. A million
# entries take some minutes and 5 GB of disk.

packages=("${packages_build[@]}" "${packages_bench[@]}" gnuplot-nox)
if [[ -z ${RENDER_CACHE_BENCH_POSTGRES:-} ]]; then packages+=("$package_postgres"); fi
install_packages "${packages[@]}"
scale_plot=build/bench/scale.svg scale_kinds=(sqlite postgres) scale_order=together
while [[ ${1:-} == [!0-9]* ]]; do
  case $1 in
    --docs) scale_plot=docs/scale.svg ;;
    partitioned) scale_kinds=(postgres partitioned) ;;
    scattered) scale_order=scattered ;;
    *) fail "scale knows no $1" ;;
  esac
  shift
done
if (($# == 0)); then set -- 10000 100000 1000000; fi
build gcc-release "clean_up large_table" -D RENDER_CACHE_BUILD_BENCHMARKS=ON
start_postgres RENDER_CACHE_BENCH_POSTGRES || fail "PostgreSQL cannot be started"

scale_folder=$(mktemp -d "${TMPDIR:-/tmp}/render_cache_scale.XXXXXX")
remove_scale_folder() { rm -rf -- "$scale_folder"; }
at_exit remove_scale_folder

scale_tool() { "build/gcc-release/benchmarks/$1" "${@:2}"; }
# row FILE CELLS...: a row of that table.
row() {
  local IFS=$'\t'
  printf '%s\n' "${*:2}" >>"build/bench/scale.$1.tsv"
}
# place_of KIND [NAME]: one table of each name is there at a time.
place_of() {
  if [[ $1 == sqlite ]]; then echo "sqlite:$scale_folder/${2:-all}.db"; else echo "$1:render_cache_scale_${2:-all} $RENDER_CACHE_BENCH_POSTGRES"; fi
}
# fill KIND LIVE DEAD [NAME]: makes the table, and prints how quickly.
fill() {
  say "Filling $1 with $2 living and $3 dead entries"
  rm -f -- "$scale_folder/${4:-all}".db*
  scale_tool large_table fill "$(place_of "$1" "${4:-}")" "$2" "$3" "$scale_order"
}
# clean_up_by WHAT KIND LIVE
clean_up_by() {
  local figures
  say "Removing by $1"
  figures=$(scale_tool clean_up "$1" "$(place_of "$2")")
  row clean_up "$2" "$3" "$1" "$figures"
}

mkdir -p build/bench
rm -f build/bench/scale.*.tsv
row fill store living dead entries/s 'written, MB' 'memory, MB'
row calls store living 'start, ms' bare 'look-up, us' p99 bare p99 '100 keys, us' p99 'publish, us' p99 'written, KB' 'memory, MB'
row clean_up store living by removed s 'erasing, s' publishes failed 'longest, ms' 'canary late, ms' 'written, MB' 'log at most, MB' \
  'memory, MB'
row hits store living 'p50, us' living 'p50, us' ratio bare
for live in "$@"; do
  for kind in "${scale_kinds[@]}"; do
    figures=$(fill "$kind" "$live" $((live / 10)))
    row fill "$kind" "$live" $((live / 10)) "$figures"
    say "Looking up and publishing"
    if [[ $live != "$1" ]]; then
      fill "$kind" "$1" $(($1 / 10)) first >/dev/null
      figures=$(scale_tool large_table hits "$(place_of "$kind" first)" "$1" "$(place_of "$kind")" "$live")
      IFS=$'\t' read -r few many ratios <<<"$figures"
      row hits "$kind" "$1" "$few" "$live" "$many" "$ratios"
    fi
    figures=$(scale_tool large_table calls "$(place_of "$kind")" "$live")
    row calls "$kind" "$live" "$figures"
    for by in age query predicate size; do clean_up_by "$by" "$kind" "$live"; done
  done
done
# As many dead entries beside a tenth of the living ones.
for kind in "${scale_kinds[@]}"; do
  fill "$kind" $((live / 10)) $((live / 10)) >/dev/null
  clean_up_by query "$kind" $((live / 10))
done

for table in fill calls clean_up; do
  print_table <"build/bench/scale.$table.tsv"
  echo
done
say "A look-up by the table's size: both tables in turn; bare: that of libpq or of SQLite's C API"
print_table <build/bench/scale.hits.tsv
say "Clean-up of as many dead entries, beside ten times as many living ones"
awk -F '\t' -v OFS='\t' '
  $3 == "query" { before[$1] = seconds[$1]; seconds[$1] = $5; removed[$1] = $4 }
  END { for (kind in before) print kind, removed[kind], sprintf("%.2f", before[kind] / seconds[kind]) }
' build/bench/scale.clean_up.tsv | sort | print_table

gnuplot -e "rows='build/bench/scale.calls.tsv'; plot='$scale_plot'; kinds='${scale_kinds[*]}'" scripts/lib/bench_scale.gp
say "The plot is $scale_plot"

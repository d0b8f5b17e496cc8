# Sourced by scripts/bench: the wiki server beside nginx, which serves the same bytes as static files. Needs common.sh,
# packages.sh and postgres.sh.
#
# Three servers at once, on loopback, in temporary directories: the wiki on SQLite, the wiki on PostgreSQL, nginx. Each is
# asked in turn, several rounds, by wrk with 32 connections: first for one page of about 10 KB, then for all pages at random.
#
# With the argument `large`: a wiki of 40,000 pages beside one of 112 instead.

http_rounds=${RENDER_CACHE_BENCH_ROUNDS:-5}
http_seconds=${RENDER_CACHE_BENCH_SECONDS:-4}
http_connections=32
http_pids=()

stop_http_servers() {
  local pid
  for pid in "${http_pids[@]}"; do
    kill "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  rm -rf -- "$http_folder"
}

# start_wiki NAME FOLDER ARGUMENT...: sets http_url[NAME].
start_wiki() {
  local log=$http_folder/$1.log tries=0 url
  build/gcc-release/examples/wiki/wiki serve --root "book=$2" "${@:3}" --listen 127.0.0.1:0 >"$log" 2>&1 &
  http_pids+=($!)
  until url=$(grep -o 'http://127.0.0.1:[0-9]*' "$log"); do
    if ! kill -0 "${http_pids[-1]}" 2>/dev/null || ((++tries > 600)); then
      cat "$log" >&2
      fail "the wiki server does not start"
    fi
    sleep 0.1
  done
  http_url[$1]=$url
}

start_nginx() {
  local port=18080
  while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do ((++port)); done
  cat >"$http_folder/nginx.conf" <<CONFIGURATION
daemon off;
pid nginx.pid;
error_log error.log;
worker_processes auto;
events { worker_connections 1024; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000000;
  types { text/html md; }
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  server { listen 127.0.0.1:$port; root $http_folder/static; }
}
CONFIGURATION
  chmod -R a+rX "$http_folder"
  "$(PATH=$PATH:/usr/sbin command -v nginx)" -p "$http_folder" -c "$http_folder/nginx.conf" -e error.log >/dev/null 2>&1 &
  http_pids+=($!)
  http_url[nginx]=http://127.0.0.1:$port
  curl --silent --retry 20 --retry-connrefused --retry-delay 1 --output /dev/null "${http_url[nginx]}/"
}

# copy_pages: what the wiki serves, as files for nginx; the same request makes every page a hit.
copy_pages() {
  local name store
  mkdir -p "$http_folder/static/book"
  for name in $(cd "$http_pages" && printf '%s\n' *.md); do
    for store in sqlite postgres; do
      curl --silent --fail --output "$http_folder/static/book/$name" "${http_url[$store]}/book/$name"
    done
    echo "/book/$name" >>"$http_folder/all"
  done
  # The page whose size comes closest to 10 KB.
  (cd "$http_folder/static" && stat --format '%s /%n' book/*) |
    awk '{ off = $1 > 10240 ? $1 - 10240 : 10240 - $1; if (NR == 1 || off < least) { least = off; page = $2 } } END { print page }' \
      >"$http_folder/one"
}

# ask SERVER LOAD: one line of requests a second and the 99th percentile in microseconds.
ask() {
  PATHS=$http_folder/$2 wrk --threads 1 --connections "$http_connections" --duration "${http_seconds}s" \
    --script "$root/scripts/lib/bench_http.lua" "${http_url[$1]}/" | tail -1
}

# median_of FILE COLUMN
median_of() { cut -f "$2" "$1" | sort -n | awk '{ value[NR] = $1 } END { print value[int((NR + 1) / 2)] }'; }

# Does a large wiki cost more? The pages of the book under 40,000 names, beside the book itself as its 112 names: the same 112
# pages are asked for in both, and then all there are.
make_large_wiki() {
  local folder=$http_folder/wiki page number=0 copy
  local -a pages=("$http_pages"/*.md)
  mkdir -p "$folder/small/all"
  for page in "${pages[@]}"; do
    cp "$page" "$folder/small/all/page-$number.md"
    number=$((number + 1))
  done
  for ((copy = 0; copy < 40000 / number; ++copy)); do
    mkdir -p "$folder/large/part-$copy"
    cp -l "$folder/small/all/"* "$folder/large/part-$copy"
  done
  (cd "$folder/small" && printf '/book/%s\n' */*.md) >"$http_folder/small.pages"
  (cd "$folder/large" && find . -name '*.md' -printf '/book/%P\n' | sort) >"$http_folder/large.all"
  (cd "$folder/large" && printf '/book/%s\n' part-7/*.md) >"$http_folder/large.pages"
}

bench_large() {
  local size round pages
  make_large_wiki
  for size in small large; do start_wiki "$size" "$http_folder/wiki/$size" --memory 2GiB; done
  sleep 3
  for pages in small.pages large.all; do # every page once, so that each is a hit
    (cd "$http_folder" && sed "s|^|url = \"${http_url[${pages%.*}]}|; s|\$|\"\noutput = /dev/null|" "$pages" | curl --silent --fail --config -)
  done
  say "$http_rounds rounds of $http_seconds s each, $http_connections connections; $(wc -l <"$http_folder/large.all") pages beside $(
    wc -l <"$http_folder/small.pages")"
  for ((round = 0; round < http_rounds; ++round)); do
    for pages in small.pages large.pages large.all; do ask "${pages%.*}" "$pages" >>"$http_folder/$pages.rates"; done
  done
  mkdir -p build/bench
  {
    printf 'pages asked for\trequests/s\ttimes slower\tp99 ms\n'
    rate=$(median_of "$http_folder/small.pages.rates" 1)
    for pages in small.pages large.pages large.all; do
      printf '%s\t%s\t%s\n' "$(wc -l <"$http_folder/$pages") of $(wc -l <"$http_folder/${pages/large.pages/large.all}")" \
        "$(median_of "$http_folder/$pages.rates" 1)" "$(median_of "$http_folder/$pages.rates" 2)" |
        awk -F '\t' -v rate="$rate" '{ printf "%s\t%d\t%.2f\t%.2f\n", $1, $2, rate / $2, $3 / 1000 }'
    done
  } | tee build/bench/http_large.tsv | print_table
}

install_packages "${packages_build[@]}" "$package_postgres" "${packages_bench_http[@]}"
use_sample_data
http_pages=$root/docs
if [[ -d ${RENDER_CACHE_DATA:-}/wiki/rust-book ]]; then http_pages=$RENDER_CACHE_DATA/wiki/rust-book; fi
build gcc-release wiki
http_folder=$(mktemp -d "${TMPDIR:-/tmp}/render_cache_http.XXXXXX")
at_exit stop_http_servers
declare -A http_url
if [[ ${2:-} == large ]]; then
  bench_large
  exit
fi

start_postgres RENDER_CACHE_BENCH_POSTGRES || fail "PostgreSQL cannot be started"
start_wiki sqlite "$http_pages" --store "sqlite:$http_folder/cache.db"
start_wiki postgres "$http_pages" --store "postgres:$RENDER_CACHE_BENCH_POSTGRES"
copy_pages
start_nginx
sleep 3 # a file that was written a moment ago is read each time: see docs/how-a-read-works.md

say "$http_rounds rounds of $http_seconds s each, $http_connections connections; $(wc -l <"$http_folder/all") pages, one of them of $(
  stat --format %s "$http_folder/static$(cat "$http_folder/one")") bytes"
for ((round = 0; round < http_rounds; ++round)); do
  for load in one all; do
    for server in nginx sqlite postgres; do ask "$server" "$load" >>"$http_folder/$server.$load"; done
  done
done

mkdir -p build/bench
{
  printf 'load\tserver\trequests/s\tof nginx\tp99 ms\tof nginx\n'
  for load in one all; do
    rate=$(median_of "$http_folder/nginx.$load" 1) p99=$(median_of "$http_folder/nginx.$load" 2)
    for server in nginx sqlite postgres; do
      printf '%s\t%s\t%s\t%s\n' "$load" "$server" "$(median_of "$http_folder/$server.$load" 1)" \
        "$(median_of "$http_folder/$server.$load" 2)" |
        awk -F '\t' -v rate="$rate" -v p99="$p99" \
          '{ printf "%s page%s\t%s\t%d\t%.2f\t%.2f\t%.2f\n", $1, $1 == "all" ? "s" : "", $2, $3, $3 / rate, $4 / 1000, $4 / p99 }'
    done
  done
} | tee build/bench/http.tsv | print_table

# Sourced by scripts/bench: the caches that a user would otherwise take, each in a temporary directory, on a Unix socket,
# with no port open, stopped when the script ends. Needs common.sh.
#
# start_redis, start_memcached: set RENDER_CACHE_BENCH_REDIS, RENDER_CACHE_BENCH_MEMCACHED to the socket's path. Where the
# server is not installed or does not start they say so and set nothing: its benchmarks are then skipped.

bench_servers_directory=
bench_servers_pids=()

stop_bench_servers() {
  local pid
  for pid in "${bench_servers_pids[@]}"; do
    end_process "$pid"
  done
  bench_servers_pids=()
  if [[ -n $bench_servers_directory ]]; then rm -rf -- "$bench_servers_directory"; fi
  bench_servers_directory=
}

# start_bench_server NAME COMMAND...: starts the command as an ordinary user and waits for its socket.
start_bench_server() {
  local name=$1 socket as_user=()
  shift
  if ! command -v "$1" >/dev/null; then
    say "$1 is not installed: its benchmarks are skipped"
    return 1
  fi
  if [[ -z $bench_servers_directory ]]; then
    bench_servers_directory=$(mktemp -d "${TMPDIR:-/tmp}/render_cache_bench.XXXXXX")
    at_exit stop_bench_servers
  fi
  if ((EUID == 0)); then
    chown nobody "$bench_servers_directory"
    as_user=(setpriv --reuid=nobody --regid=nogroup --clear-groups)
  fi
  socket=$bench_servers_directory/$name.sock
  (cd "$bench_servers_directory" && exec "${as_user[@]}" "$@" >"$bench_servers_directory/$name.log" 2>&1) &
  bench_servers_pids+=($!)
  if ! wait_until_ready $! "$bench_servers_directory/$name.log" test -S "$socket"; then
    say "$1 does not start: its benchmarks are skipped"
    return 1
  fi
  chmod a+rw "$socket"
}

start_redis() {
  start_bench_server redis redis-server --port 0 --unixsocket redis.sock --save '' --appendonly no \
    --maxmemory 256mb --maxmemory-policy allkeys-lru || return 0
  export RENDER_CACHE_BENCH_REDIS=$bench_servers_directory/redis.sock
}

start_memcached() {
  start_bench_server memcached memcached -s memcached.sock -m 256 -t 2 || return 0
  export RENDER_CACHE_BENCH_MEMCACHED=$bench_servers_directory/memcached.sock
}

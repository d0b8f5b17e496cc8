# Sourced by the scripts: a private PostgreSQL in a temporary directory, reached by a Unix socket only.

# start_postgres VARIABLE [SETTING=VALUE...]: puts the connection string into VARIABLE, unless it names a server already.
# Fails when it cannot.
start_postgres() {
  local variable=$1
  shift
  if [[ -n ${!variable:-} ]]; then
    say "Using the PostgreSQL of $variable"
    return
  fi
  local programs setting settings=()
  programs=$(postgres_programs) || return
  for setting in "$@"; do settings+=(-c "$setting"); done

  # Short: the path of a socket has at most 107 characters.
  postgres_folder=$(mktemp -d /tmp/render_cache.XXXXXX)
  at_exit stop_postgres
  (as_postgres "$programs/initdb" --pgdata=data --username=postgres --auth=trust --encoding=UTF8 --locale=C --no-sync) \
    >"$postgres_folder/log" 2>&1 || { cat "$postgres_folder/log" >&2; return 1; }
  as_postgres "$programs/postgres" -D data -k "$postgres_folder" -c listen_addresses= -c max_connections=200 \
    "${settings[@]}" >>"$postgres_folder/log" 2>&1 &
  postgres_pid=$!

  wait_until_ready "$postgres_pid" "$postgres_folder/log" "$programs/pg_isready" --quiet --host="$postgres_folder" || return
  say "Started PostgreSQL $("$programs/postgres" --version | grep -o '[0-9.]*' | head -1) in $postgres_folder"
  export "$variable=host=$postgres_folder user=postgres dbname=postgres"
}

# Ends it however far it came.
stop_postgres() {
  end_process "${postgres_pid:-}" INT
  postgres_pid=
  rm -rf "$postgres_folder"
}

# The folder of the newest server's programs; Debian keeps them out of PATH.
postgres_programs() {
  local initdb
  initdb=$(printf '%s\n' /usr/lib/postgresql/*/bin/initdb | sort --version-sort | tail -1)
  if [[ ! -x $initdb ]]; then initdb=$(command -v initdb) || { say "No PostgreSQL server is installed"; return 1; }; fi
  echo "${initdb%/*}"
}

# Becomes a program in the server's folder, run by an ordinary user since PostgreSQL refuses root, and ended when this script
# is killed.
as_postgres() {
  local user=() account=postgres
  if ((EUID == 0)); then
    if ! id "$account" >/dev/null 2>&1; then account=nobody; fi
    chown -R "$account" "$postgres_folder"
    user=("--reuid=$account" "--regid=$(id -g "$account")" --clear-groups)
  fi
  cd "$postgres_folder" && LC_ALL=C exec setpriv "${user[@]}" --pdeathsig INT "$@"
}

# Sourced by the scripts: a private MariaDB in a temporary directory, reached by a Unix socket only.

# start_mariadb VARIABLE: puts the path of its socket into VARIABLE, unless it names one already. Fails when it cannot. The user is
# root; the database render_cache is there, and tests make more.
start_mariadb() {
  local variable=$1 server user=()
  if [[ -n ${!variable:-} ]]; then
    say "Using the MariaDB of $variable"
    return
  fi
  server=$(PATH=$PATH:/usr/sbin command -v mariadbd) || { say "No MariaDB server is installed"; return 1; }
  if ((EUID == 0)); then user=(--user=root); fi # which it refuses to be by itself

  # Short: the path of a socket has at most 107 characters. Without users and their rights it needs no tables of its own.
  mariadb_folder=$(mktemp -d /tmp/render_cache.XXXXXX)
  at_exit stop_mariadb
  mkdir "$mariadb_folder/data"
  echo "CREATE DATABASE render_cache CHARACTER SET utf8mb4;" >"$mariadb_folder/init.sql"
  setpriv --pdeathsig TERM "$server" --no-defaults "${user[@]}" --datadir="$mariadb_folder/data" --socket="$mariadb_folder/socket" \
    --pid-file="$mariadb_folder/pid" --init-file="$mariadb_folder/init.sql" --skip-networking --skip-grant-tables \
    --innodb-flush-log-at-trx-commit=0 --innodb-buffer-pool-size=64M >"$mariadb_folder/log" 2>&1 &
  mariadb_pid=$!

  wait_until_ready "$mariadb_pid" "$mariadb_folder/log" grep -q 'ready for connections' "$mariadb_folder/log" || return
  say "Started MariaDB $("$server" --no-defaults --version | grep -o '[0-9.]*' | head -1) in $mariadb_folder"
  export "$variable=$mariadb_folder/socket"
}

# Ends it however far it came.
stop_mariadb() {
  end_process "${mariadb_pid:-}"
  mariadb_pid=
  rm -rf "$mariadb_folder"
}

# Sourced by the scripts: installs the system's packages. What is there already is neither touched nor asked for again.

packages_build=(g++ cmake ninja-build pkgconf libsqlite3-dev libpqxx-dev libpq-dev libmd4c-dev libgumbo-dev libyaml-cpp-dev
  rapidjson-dev nlohmann-json3-dev libxxhash-dev libssl-dev prometheus-cpp-dev libcli11-dev zlib1g-dev)
packages_test=(catch2 doxygen spin python3 python3-pygments libpng-dev libmariadb-dev)
packages_bench=(libbenchmark-dev libtbb-dev libcuckoo-dev libcmark-dev libmd4c-html0-dev)
packages_bench_run=(redis-server memcached jq gnuplot-nox)
packages_bench_compile=(time jq)
packages_bench_http=(nginx wrk curl)
package_postgres=postgresql
package_pgbouncer=pgbouncer
packages_cluster=("$package_postgres" "$package_pgbouncer" patroni python3-etcd etcd-server haproxy python3)
package_mariadb=mariadb-server-core
package_browser=chromium

# Debian 12's default Boost (1.74) and Clang (14) are too old; it has newer ones under their own names. Clang's
# sanitizers know functions by their names, and so the leaks that are known, only where LLVM's symbolizer is installed.
if [[ $(. /etc/os-release && echo "$ID$VERSION_ID") == debian12 ]]; then
  package_boost=libboost1.81-dev
  packages_clang=(clang-16 libclang-rt-16-dev llvm-16)
  packages_lint=(clang-format-16 clang-tidy-16)
  package_python_clang=python3-clang-16
else
  package_boost=libboost-dev
  packages_clang=(clang libclang-rt-dev llvm)
  packages_lint=(clang-tidy)
  package_python_clang=python3-clang
fi

as_root() {
  if ((EUID == 0)); then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    fail "needs root or sudo to run: $*"
  fi
}

missing_packages() {
  local installed package
  installed=$(dpkg-query --show --showformat '${Package} ${db:Status-Status}\n' "$@" 2>/dev/null) || true # some are unknown
  for package in "$@"; do
    if [[ $'\n'$installed$'\n' != *$'\n'"$package installed"$'\n'* ]]; then echo "$package"; fi
  done
}

# install_packages PACKAGE...: Boost is always among them.
install_packages() {
  mkdir -p "$root/build"
  if ! command -v apt-get >/dev/null; then
    say "No apt-get here: what is needed must be installed already ($package_boost $*)"
    return
  fi
  local missing
  mapfile -t missing < <(missing_packages "$@"; missing_boost)
  if ((${#missing[@]} == 0)); then return; fi
  if ((EUID != 0)) && ! command -v sudo >/dev/null; then
    fail "packages are missing, and there is no sudo to install them with; as root: apt-get install ${missing[*]}"
  fi
  say "Installing ${missing[*]}"
  # What one broken source of packages cannot give is seldom what is needed here: the installation tells.
  as_root apt-get -o DPkg::Lock::Timeout=600 update >"$root/build/packages.update.log" 2>&1 || true
  local package others=() advice="check the network and 'apt-get update' (its output is in $root/build/packages.update.log)"
  for package in "${missing[@]}"; do
    if [[ $package == "$package_boost" ]] && old_boost_is_installed; then
      say "Boost 1.74 is installed and stays; unpacking $package_boost below build/packages"
      shows=$nothing step "unpacking $package_boost" packages.boost.log "$advice" unpack_boost
    else
      others+=("$package")
    fi
  done
  if ((${#others[@]} == 0)); then return; fi
  keep_new_servers_off "${others[@]}"
  shows='^(Need to get|After this operation)' step "installing packages" packages.log "$advice" \
    as_root env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 \
    apt-get -o DPkg::Lock::Timeout=600 install --yes --no-remove --no-install-recommends "${others[@]}"
  let_new_servers_run
}

# Debian 12's Boost 1.81 cannot be installed beside its 1.74. Where that one is installed it stays: the headers of 1.81 are
# unpacked below build/packages, where the presets look first.
boost_unpacked=$root/build/packages
old_boost_is_installed() { [[ $package_boost == libboost1.81-dev && -z $(missing_packages libboost1.74-dev) ]]; }
missing_boost() {
  if [[ ! -e $boost_unpacked/usr/include/boost/version.hpp ]]; then missing_packages "$package_boost"; fi
}
unpack_boost() {
  local folder
  folder=$(mktemp -d) && (cd "$folder" && apt-get download "$package_boost" &&
    dpkg-deb --extract "$package_boost"_*.deb unpacked) && mkdir -p "$boost_unpacked" &&
    cp -r "$folder/unpacked/usr" "$boost_unpacked/" && rm -r "$folder"
}

# Servers are started by these scripts alone, in temporary directories. What a package would do when it is installed, make a
# database cluster or start its server, now and with the machine, is turned off for that time; a setting that is there already
# is the machine's own and stays.
no_cluster=/etc/postgresql-common/createcluster.d/render_cache.conf
no_start=/usr/sbin/policy-rc.d
keep_new_servers_off() {
  at_exit let_new_servers_run
  mapfile -t new_servers < <(printf '%s\n' "$@" |
    grep -x -e nginx -e redis-server -e memcached -e pgbouncer -e patroni -e etcd-server -e haproxy)
  if [[ " $* " == *" $package_postgres "* ]]; then
    as_root mkdir -p "${no_cluster%/*}"
    echo "create_main_cluster = false" | as_root tee "$no_cluster" >/dev/null
  fi
  if ((${#new_servers[@]} > 0)) && [[ ! -e $no_start ]]; then
    printf '#!/bin/sh\nexit 101 # render_cache: for the time of an installation\n' | as_root tee "$no_start" >/dev/null
    as_root chmod +x "$no_start"
  fi
}
let_new_servers_run() {
  if [[ -e $no_cluster ]]; then as_root rm -f "$no_cluster"; fi
  if grep -q render_cache "$no_start" 2>/dev/null; then as_root rm -f "$no_start"; fi
  if ((${#new_servers[@]} > 0)) && [[ -d /run/systemd/system ]]; then
    as_root systemctl disable --quiet "${new_servers[@]/#etcd-server/etcd}" # the service of that package has another name
  fi
  new_servers=()
}

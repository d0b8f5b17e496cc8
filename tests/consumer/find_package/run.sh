# The quickstart, on an installed library. What cannot be found is said.
here=$(dirname "$0")
export CMAKE_PREFIX_PATH=$prefix
rm -rf find_package
cp -r "$here" find_package
cp "$SOURCE/examples/quickstart.cpp" find_package/
cmake -S find_package -B find_package/build
cmake --build find_package/build
printf '# Title\n' >find_package/page.md
find_package/build/quickstart find_package page.md find_package/wiki.db 2>&1 | tee /dev/stderr | grep -q '^rendered'
find_package/build/quickstart find_package page.md find_package/wiki.db 2>&1 | tee /dev/stderr | grep -q '^hit'

# refused FIND_PACKAGE_ARGUMENTS WORDS: configuring a project that asks for this fails with these words.
refused() {
  rm -rf find_package/refused
  mkdir find_package/refused
  printf 'cmake_minimum_required(VERSION 3.25)\nproject(refused LANGUAGES CXX)\nfind_package(render_cache %s)\n' "$1" \
    >find_package/refused/CMakeLists.txt
  if cmake -S find_package/refused -B find_package/refused/build >find_package/refused/log 2>&1; then
    echo "find_package(render_cache $1) succeeds"
    exit 1
  fi
  tr -s ' \n' ' ' <find_package/refused/log | grep -qF "$2" || { cat find_package/refused/log; echo "This does not say: $2"; exit 1; }
}
refused "0.2 REQUIRED" 'compatible with requested version "0.2"'
refused "1.0 REQUIRED" "version: $VERSION"
refused "REQUIRED COMPONENTS sqlite mysql" \
  "render_cache has no component mysql here; it was installed with: laws markdown openssl postgres prometheus sqlite xxhash"
PKG_CONFIG_LIBDIR=/nowhere refused "REQUIRED COMPONENTS sqlite" "the component sqlite needs, by pkg-config: sqlite3>=3.37"

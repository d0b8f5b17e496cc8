# Sourced with the folder of a project that has the library in it: what it builds, tests and installs is its own alone.
rm -rf "$1/installed"
cmake --install "$1/build" --prefix "$1/installed"
installed=$(cd "$1/installed" && find . -type f)
if [[ $installed != ./bin/my_server ]]; then
  echo "installed with the project: $installed"
  exit 1
fi
"$1/installed/bin/my_server"
tests=$(ctest --test-dir "$1/build" --show-only | tail -1)
if [[ $tests != "Total Tests: 0" && $tests != "No tests were found!!!" ]]; then
  echo "tests with the project: $tests"
  exit 1
fi
built=$(cd "$1/build" && find . -name '*.o' | grep -v my_server || true)
if [[ -n $built ]]; then
  echo "built with the project: $built"
  exit 1
fi

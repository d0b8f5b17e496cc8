# A store of one's own, held to the installed laws.
here=$(dirname "$0")
export CMAKE_PREFIX_PATH=$prefix
rm -rf laws
cp -r "$here" laws
cp "$SOURCE/examples/own_store.hpp" laws/
cmake -S laws -B laws/build
cmake --build laws/build
laws/build/my_tests

# Each component found, compiled, linked and used without the others.
here=$(dirname "$0")
export CMAKE_PREFIX_PATH=$prefix
rm -rf components
cp -r "$here" components
cmake -S components -B components/build
cmake --build components/build
for program in components/build/*/with_*; do "$program"; done

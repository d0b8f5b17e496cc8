# docs/tutorial.md, followed by a newcomer: the CMakeLists.txt that it shows, its programs, and what they print.
tutorial=$SOURCE/docs/tutorial.md
rm -rf tutorial
mkdir -p tutorial/notes
cd tutorial
sed -n '/^```cmake$/,/^```$/{/^```/!p}' "$tutorial" >CMakeLists.txt
cp "$SOURCE/examples/quickstart.cpp" "$SOURCE/examples/reports.cpp" .
cmake -B build -D "CMAKE_PREFIX_PATH=$prefix"
cmake --build build
printf '# Notes\n' >notes/page.md

# Each command that it shows after a `$`, and what stands below it.
export HOME=$PWD
sed -n '/^    \$ /s/^    \$ //p' "$tutorial" >commands
sed -n '/^    \$ /,/^$/{/^    \$ /d; s/^    //p}' "$tutorial" >expected
bash -euo pipefail commands >printed 2>&1
diff expected printed

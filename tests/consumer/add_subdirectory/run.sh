# In a folder of the project, without a warning.
here=$(dirname "$0")
rm -rf add_subdirectory
cp -r "$here" add_subdirectory
cp "$here/../components/openssl.cpp" add_subdirectory/my_server.cpp
mkdir add_subdirectory/third_party
cp -r checkout add_subdirectory/third_party/render_cache
cmake -S add_subdirectory -B add_subdirectory/build
cmake --build add_subdirectory/build
. "$here/../is_alone.sh" add_subdirectory

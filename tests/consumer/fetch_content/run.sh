# From a repository, at its tag.
here=$(dirname "$0")
rm -rf fetch_content
cp -r "$here" fetch_content
cp "$here/../components/openssl.cpp" fetch_content/my_server.cpp
cmake -S fetch_content -B fetch_content/build -D RENDER_CACHE_REPOSITORY="file://$PWD/checkout"
cmake --build fetch_content/build
. "$here/../is_alone.sh" fetch_content

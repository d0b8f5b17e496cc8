# The package: what is in it, what it depends on, and a program built against it.
cd checkout
cmake --preset library
cpack --config build/library/CPackConfig.cmake

package=$PWD/librender-cache-dev_${VERSION}_all.deb
cd ..
rm -rf debian
dpkg-deb --extract "$package" debian
test -s debian/usr/share/doc/librender-cache-dev/copyright
test -s debian/usr/share/render_cache/migrations/sqlite/0001_wiki_cache.up.sql

# What a .pc file requires is in a package that this one depends on, or recommends.
related=$(dpkg-deb --field "$package" Depends Recommends)
for file in debian/usr/share/pkgconfig/*.pc; do
  for required in $(PKG_CONFIG_PATH=debian/usr/share/pkgconfig pkg-config --print-requires "$(basename "$file" .pc)" | cut -d ' ' -f 1); do
    [[ $required != render_cache ]] || continue
    owner=$(dpkg-query --search "*/pkgconfig/$required.pc" | cut -d : -f 1)
    grep -qE "[ ,]$owner( |,|\$)" <<<"$related" || { echo "$file requires $required of $owner, which is not among: $related"; exit 1; }
  done
done

flags=$(PKG_CONFIG_PATH=debian/usr/share/pkgconfig pkg-config --cflags --libs render_cache-openssl)
$CXX $CXXFLAGS -std=c++20 "$SOURCE/tests/consumer/components/openssl.cpp" -o debian/my_server $flags
debian/my_server
cmake -S "$SOURCE/tests/consumer/migrations" -B debian/build -D "CMAKE_PREFIX_PATH=$PWD/debian/usr"
cmake --build debian/build

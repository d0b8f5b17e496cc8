# The quickstart without CMake; and each component's file.
export PKG_CONFIG_PATH=$prefix/share/pkgconfig
rm -rf pkg_config
mkdir pkg_config
cp "$SOURCE/examples/quickstart.cpp" pkg_config/
cd pkg_config

$CXX $CXXFLAGS -std=c++20 quickstart.cpp -o quickstart \
  $(pkg-config --cflags --libs render_cache-sqlite render_cache-markdown render_cache-openssl)

printf '# Title\n' >page.md
./quickstart . page.md wiki.db
./quickstart . page.md wiki.db 2>&1 | grep -q '^hit'

for file in "$PKG_CONFIG_PATH"/*.pc; do
  name=$(basename "$file" .pc)
  pkg-config --validate "$name"
  pkg-config --exists --print-errors "$name = $VERSION"
done
# The libraries' versions are part of what is persisted: the file refuses others than those that it states.
for library in md4c gumbo; do
  required="$library = $(pkg-config --modversion $library)"
  pkg-config --print-requires render_cache-markdown | grep -qx "$required" || { echo "not required: $required"; exit 1; }
done

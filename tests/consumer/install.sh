# A copy of the checkout as it is now, as a repository with the version's tag; installed.
rm -rf ./*
mkdir checkout
tar -C "$SOURCE" --exclude=./build --exclude=./.git -c . | tar -C checkout -x
cd checkout
git init --quiet
git add .
git -c user.name=render_cache -c user.email=render_cache@localhost commit --quiet --message "The checkout" --no-verify
git tag "v$VERSION"

cmake --preset library
cmake --install build/library --prefix "$prefix"

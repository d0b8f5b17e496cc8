#include <render_cache/hasher/sha256.hpp>

#include <iostream>

int main() { std::cout << render_cache::Sha256Hasher{}.components("text").text() << '\n'; }

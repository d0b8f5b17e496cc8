#include <render_cache/hasher/xxh3.hpp>

#include <iostream>

int main() { std::cout << render_cache::Xxh3Hasher{}.components("text").text() << '\n'; }

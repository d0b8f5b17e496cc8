// Runs a fuzz target over files that are known: `replay FOLDER`. What once was found stays found.
#include "fuzz.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>

int main(int count, char** arguments) {
  if (count != 2) {
    std::fprintf(stderr, "usage: %s FOLDER\n", arguments[0]);
    return 2;
  }
  std::size_t inputs = 0;
  for (const auto& entry : std::filesystem::directory_iterator(arguments[1])) {
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string input{std::istreambuf_iterator<char>(file), {}};
    std::printf("%s\n", entry.path().filename().c_str());
    std::fflush(stdout);  // the last line names the input that ends the program
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
    ++inputs;
  }
  if (inputs == 0) std::fprintf(stderr, "no inputs in %s\n", arguments[1]);
  return inputs == 0 ? 1 : 0;
}

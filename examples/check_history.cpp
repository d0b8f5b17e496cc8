// Checks what several processes have written down of their reads, edits, renders and publishes (laws/history.hpp).
//
//   check_history [--without keeps|erases|order|once]... [--svg FILE] FILE...
#include <render_cache/laws/history_check.hpp>

#include <CLI/CLI.hpp>

#include <exception>
#include <fstream>
#include <iostream>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace laws = render_cache::laws;

int main(int argc, char** argv) {
  CLI::App app(
      "Checks histories of a cache. Of one that may not be it prints one of the shortest parts that show what is wrong.\n\n"
      "Exit codes: 0 all is well; 1 something is wrong; 2 bad request, or a file that cannot be read or written.");
  laws::Promises promises;
  const std::map<std::string, bool*> promise_named{
      {"keeps", &promises.keeps}, {"erases", &promises.erases}, {"order", &promises.order}, {"once", &promises.once}};
  std::vector<std::string> files, without;
  std::string svg;
  app.add_option("FILE", files, "What a process has written down")->required()->check(CLI::ExistingFile);
  app.add_option("--without", without, "A promise that is not to be checked. Again for more")
      ->check(CLI::IsMember(promise_named))
      ->allow_extra_args(false);
  app.add_option("--svg", svg, "Where to draw what is wrong");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  try {
    for (const auto& name : without) *promise_named.at(name) = false;
    laws::History history;
    for (const auto& name : files) {
      std::ifstream file(name);
      if (!file) throw std::runtime_error("cannot read " + name);
      history.read(file);
    }
    const auto verdict = check(history, promises);
    std::cout << verdict.text();
    if (!verdict && !svg.empty() && !(std::ofstream(svg) << verdict.svg())) throw std::runtime_error("cannot write " + svg);
    return verdict ? 0 : 1;
  } catch (const std::exception& error) {
    std::cerr << "check_history: " << error.what() << '\n';
    return 2;
  }
}

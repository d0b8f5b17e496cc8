// Checks what several processes have written down of their reads, edits, renders and publishes (laws/history.hpp).
//
//   check_history [--without keeps|erases|order|once]... [--svg FILE] FILE...
//
// Without an offence it ends with 0. Else it prints one of the shortest histories that show what is wrong, draws it into the file after
// --svg, and ends with 1. It ends with 2 if a file cannot be read.
#include <render_cache/laws/history_check.hpp>

#include <exception>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>

namespace laws = render_cache::laws;

int main(int argc, char** argv) try {
  laws::History history;
  laws::Promises promises;
  std::string svg;
  bool any = false;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const std::string value = i + 1 < argc ? argv[i + 1] : "";
    if (argument == "--svg") {
      svg = value;
      ++i;
    } else if (argument == "--without") {
      bool* const promise = value == "keeps"    ? &promises.keeps
                            : value == "erases" ? &promises.erases
                            : value == "order"  ? &promises.order
                            : value == "once"   ? &promises.once
                                                : nullptr;
      if (promise == nullptr)
        throw std::invalid_argument("--without takes keeps, erases, order or once, and not '" + value + "'");
      *promise = false;
      ++i;
    } else {
      std::ifstream file(argument);
      if (!file) throw std::runtime_error("cannot read " + argument);
      history.read(file);
      any = true;
    }
  }
  if (!any) throw std::invalid_argument("usage: check_history [--without keeps|erases|order|once]... [--svg FILE] FILE...");
  const auto verdict = check(history, promises);
  std::cout << verdict.text();
  if (!verdict && !svg.empty() && !(std::ofstream(svg) << verdict.svg())) throw std::runtime_error("cannot write " + svg);
  return verdict ? 0 : 1;
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 2;
}

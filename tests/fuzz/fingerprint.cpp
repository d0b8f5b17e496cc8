// Fingerprints of any parts: their text can be stored and read back, and no two lists of parts have one text.
#include <render_cache/entry/fingerprint.hpp>
#include <render_cache/entry/text.hpp>

#include "fuzz.hpp"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

using render_cache::Fingerprint;

namespace {

// A part of each kind, made from the bytes that are left.
class Parts {
 public:
  explicit Parts(std::string_view bytes) : bytes_(bytes) {}

  Fingerprint fingerprint(int depth = 0) {
    Fingerprint result;
    while (!bytes_.empty() && bytes_.front() != ')') {
      const char kind = take();
      const std::string name(1, static_cast<char>('a' + (static_cast<unsigned char>(take()) & 3)));
      list_ += '<' + name;
      if (kind == '(' && depth < 4) {
        list_ += '(';
        result.add(name, fingerprint(depth + 1));
        list_ += ')';
        take();
      } else if (kind == 'n') {
        const int number = static_cast<unsigned char>(take());
        list_ += 'n' + std::to_string(number);
        result.add(name, number);
      } else if (kind == 'a') {
        list_ += 'a';
        result.add(name, Fingerprint::absent);
      } else {
        const auto length = std::min<std::size_t>(static_cast<unsigned char>(take()) & 15, bytes_.size());
        const auto value = bytes_.substr(0, length);
        bytes_.remove_prefix(length);
        list_ += 't' + std::to_string(length) + ':' + std::string(value);
        result.add(name, value);
      }
      list_ += '>';
    }
    return result;
  }

  /// What the fingerprint was made of, written so that it can be read in one way only.
  const std::string& list() const { return list_; }

 private:
  char take() {
    if (bytes_.empty()) return 0;
    const char first = bytes_.front();
    bytes_.remove_prefix(1);
    return first;
  }

  std::string_view bytes_;
  std::string list_;
};

}  // namespace

// The input is two lists, divided by the first newline.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = fuzz::text(data, size);
  const auto newline = std::min(input.find('\n'), input.size());
  Parts first(input.substr(0, newline)), second(input.substr(std::min(newline + 1, input.size())));
  const auto one = first.fingerprint(), other = second.fingerprint();
  // A number and the text of it are one component on purpose: a component is always added as the same type.
  const bool comparable = first.list().find('n') == std::string::npos && second.list().find('n') == std::string::npos;
  if (comparable)
    fuzz::expect((one == other) == (first.list() == second.list()), first.list() + " and " + second.list() + ": " + one.text());
  const auto back = Fingerprint::from_text(one.text());
  fuzz::expect(back == one && back.text() == one.text(), "a stored text is the same fingerprint");
  fuzz::expect(one.text().find_first_of("\n\t\x7f", 0) == std::string::npos && one.text().find('\0') == std::string::npos,
               "a text holds no control characters");
  std::string joined;
  for (const auto& [name, value] : one.components())
    joined.append(joined.empty() ? "" : "|").append(name).append("=").append(value);
  fuzz::expect(joined == one.text(), "the components are the text");
  if (render_cache::find_invalid_text(input) == input.npos && one.text().find('%') == std::string::npos)
    fuzz::expect(one.text().size() <= 64 + 8 * input.size(), "a text is not much longer than its parts");
  return 0;
}

// Source files as highlighted HTML, by a program of somebody else's: pygmentize. Starting it takes longer than any look-up. Its
// version is part of the renderer's, so an upgrade of the package highlights everything anew.
#include <render_cache/cache.hpp>
#include <render_cache/hasher/file.hpp>
#include <render_cache/hasher/sha256.hpp>
#include <render_cache/sql/create_table.hpp>
#include <render_cache/store/sqlite.hpp>

#include <boost/hana/adapt_struct.hpp>

#include <cstdio>
#include <exception>
#include <iostream>
#include <memory>
#include <string>

using namespace render_cache;

struct ListingKey {
  std::string file;
  std::string style;
  friend bool operator==(const ListingKey&, const ListingKey&) = default;
};
struct Listing {
  std::string html;
};
BOOST_HANA_ADAPT_STRUCT(ListingKey, file, style);
BOOST_HANA_ADAPT_STRUCT(Listing, html);

struct ListingSchema {
  using key_type = ListingKey;
  using value_type = Listing;
  static constexpr std::string_view table = "listings";
  static constexpr std::string_view fingerprint_column = "fingerprint";
  static constexpr std::string_view rendered_at_column = "highlighted_at";
};

/// What a command prints. Throws where it fails.
std::string output_of(const std::string& command) {
  std::FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) throw RenderError("cannot run: " + command);
  std::string output;
  char part[4096];
  while (const auto bytes = std::fread(part, 1, sizeof part, pipe)) output.append(part, bytes);
  if (const int status = ::pclose(pipe); status != 0) {
    throw RenderError(status == 127 << 8 ? "pygmentize is not installed" : "failed: " + command);
  }
  return output;
}

class Highlighter {
 public:
  Highlighter() {
    const auto installed = output_of("pygmentize -V");  // Pygments version 2.14.0, (c) 2006-2022 by ...
    version_ = "listing/1+" + installed.substr(0, installed.find(','));
  }

  std::string_view version() const { return version_; }

  /// Highlights the very content that was hashed, and not what the file may hold by now.
  Listing render(const ListingKey& key, const std::string& content) const {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> input(std::tmpfile(), &std::fclose);
    if (!input || std::fwrite(content.data(), 1, content.size(), input.get()) != content.size() ||
        std::fflush(input.get()) != 0) {
      throw RenderError("cannot write a temporary file");
    }
    std::rewind(input.get());
    const std::string style = key.style == "dark" ? "monokai" : "default";  // nothing of the key goes into the command
    const std::string lexer = key.file.ends_with(".py") ? "python" : "cpp";
    return {output_of("pygmentize -f html -O noclasses,style=" + style + " -l " + lexer + " </dev/fd/" +
                      std::to_string(::fileno(input.get())))};
  }

 private:
  std::string version_;
};
static_assert(check_renderer<Highlighter, ListingKey, std::string, Listing>());

int main(int argc, char** argv) try {
  if (argc != 4) return std::cerr << "usage: highlighting DIRECTORY FILE CACHE.db\n", 2;

  SqliteStore<ListingSchema> store({.path = argv[3], .migrations = {create_table<ListingSchema, SqliteDialect>()}});
  RenderCache cache(Highlighter{}, FileHasher<Sha256Hasher>{}, store);

  const FileSource source{std::make_shared<DocumentRoot>(argv[1]), argv[2]};
  const auto listing = cache.get({source.path, "light"}, source);
  std::cout << listing->html;
  std::cerr << (listing.hit() ? "hit" : "highlighted") << '\n';
} catch (const std::exception& error) {
  return std::cerr << error.what() << '\n', 1;
}

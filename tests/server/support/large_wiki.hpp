// A wiki of many pages, made within a second: all of them are names of a few files.
#pragma once

#include "support/temporary_directory.hpp"

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>
#include <thread>

namespace render_cache::test {

class LargeWiki {
 public:
  LargeWiki(int folders, int pages_each) {
    const auto page = files_.write(
        "page", "# A page\n\nSome words, and [another](page-1.md).\n\n## A heading\n\n" + std::string(1000, 'x') + "\n");
    for (int folder = 0; folder < folders; ++folder) {
      const auto path = files_ / ("root/" + folder_name(folder));
      std::filesystem::create_directories(path);
      for (int number = 0; number < pages_each; ++number) std::filesystem::create_hard_link(page, path / page_name(number));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2100));  // until the files' times are trusted
  }

  static std::string folder_name(int folder) { return "folder-" + std::to_string(folder); }
  static std::string page_name(int page) { return "page-" + std::to_string(page) + ".md"; }
  static std::string page(int folder, int page) { return folder_name(folder) + "/" + page_name(page); }

  [[nodiscard]] std::filesystem::path folder() const { return files_ / "root"; }
  [[nodiscard]] std::string root() const { return "large=" + folder().string(); }
  void write(std::string_view name, std::string_view content) const { files_.write("root/" + std::string(name), content); }

 private:
  TemporaryDirectory files_;
};

}  // namespace render_cache::test

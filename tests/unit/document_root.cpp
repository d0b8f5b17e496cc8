#include <render_cache/hasher/document_root.hpp>

#include "support/answered_calls.hpp"
#include "support/catch.hpp"
#include "support/temporary_directory.hpp"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <functional>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

namespace document_root_tests {

using namespace render_cache;
using detail::FileDescriptor;
using enum FileError::Kind;
using Names = DocumentRoot::Names;
namespace fs = std::filesystem;

namespace {

std::string read(const DocumentRoot& root, const std::string& path) {
  const auto file = root.open(path);
  std::string text(100, 0);
  text.resize(static_cast<std::size_t>(::read(file.get(), text.data(), text.size())));
  return text;
}

FileError refusal(auto&& call) {
  try {
    call();
  } catch (const FileError& error) {
    return error;
  }
  throw std::logic_error("it was not refused");
}
FileError refusal(const DocumentRoot& root, const std::string& path) {
  return refusal([&] { static_cast<void>(root.open(path)); });
}

bool has(const DocumentRoot& root, const std::string& path) {
  struct ::stat state;
  return root.stat(path, state);
}

auto open_files() { return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator()); }

}  // namespace

TEST_CASE("a file descriptor is closed once, by whoever holds it last") {
  const auto before = open_files();
  {
    FileDescriptor first(::open("/", O_RDONLY | O_CLOEXEC));
    CHECK(first);
    const int number = first.get();
    FileDescriptor second(std::move(first));
    CHECK(second.get() == number);
    CHECK(first.get() == -1);
    CHECK_FALSE(first);
    FileDescriptor third;
    CHECK_FALSE(third);
    third = std::move(second);
    CHECK(third.get() == number);
    CHECK(open_files() == before + 1);
  }
  CHECK(open_files() == before);
}

TEST_CASE("the file descriptor 0 is one like any other") {
  const int input = ::fcntl(0, F_DUPFD_CLOEXEC, 3);
  ::close(0);
  REQUIRE(::open("/", O_RDONLY | O_CLOEXEC) == 0);
  CHECK(FileDescriptor(0));
  CHECK(::fcntl(0, F_GETFD) == -1);
  if (input >= 0) {
    ::dup2(input, 0);
    ::close(input);
  }
}

TEST_CASE("whatever is asked of a root, no file stays open") {
  test::TemporaryDirectory directory;
  directory.write("folder/a.md", "text");
  const auto before = open_files();
  for (const auto names : {Names::all, Names::visible}) {
    const DocumentRoot root(directory.path(), names);
    CHECK(open_files() == before + 1);
    CHECK(has(root, "folder/a.md"));
    CHECK(read(root, "folder/a.md") == "text");
    CHECK(refusal(root, "folder").kind == not_a_file);
    CHECK(open_files() == before + 1);
  }
  CHECK(open_files() == before);
}

TEST_CASE("a root is a directory that is there, and says which") {
  test::TemporaryDirectory directory, other;
  const auto file = directory.write("a.md", "text");
  CHECK(refusal([&] { DocumentRoot root(directory / "absent"); }).kind == not_found);
  CHECK(refusal([&] { DocumentRoot root{file}; }).kind == not_found);
  const DocumentRoot root(directory.path());
  CHECK(root.identity() == DocumentRoot(directory / "../" / directory.path().filename()).identity());
  CHECK_FALSE(root.identity() == DocumentRoot(other.path()).identity());
  CHECK(root.path() == directory.path());
}

TEST_CASE("what is refused is named, with the reason") {
  test::TemporaryDirectory directory;
  directory.write("a.md", "text");
  const DocumentRoot root(directory.path());
  const auto in_quotes = [&](const std::string& name) { return "'" + (directory / name).native() + "'"; };
  CHECK(root.where("a.md") == in_quotes("a.md"));
  CHECK(refusal(root, "b.md").what() == in_quotes("b.md") + ": No such file or directory");
  CHECK(refusal(root, "../b.md").what() == in_quotes("../b.md") + " leads out of its root: Invalid cross-device link");
  CHECK(refusal(root, std::string("a.md\0b", 6)).what() == in_quotes("a.md") + " is followed by a NUL byte");
  CHECK(refusal([&] { root.fail(EACCES, "a.md"); }).kind == unreadable);
  CHECK(refusal([&] { root.fail(ELOOP, "a.md"); }).kind == outside);
  for (const int error : {ENOENT, ENOTDIR, ENAMETOOLONG}) {
    CHECK(refusal([&] { root.fail(error, "a.md"); }).kind == not_found);
  }
}

TEST_CASE("hidden names count unless only visible ones do, in the path and in what its links lead to") {
  test::TemporaryDirectory directory, elsewhere;
  elsewhere.write("secret", "secret");
  directory.write(".git/config", "hidden");
  directory.write("folder/.env", "hidden");
  directory.write("folder/a.md", "text");
  directory.write("a.b/.../c.md", "text");
  fs::create_symlink("folder/.env", directory / "to_hidden.md");
  fs::create_symlink("folder/a.md", directory / "to_visible.md");
  fs::create_directory_symlink(".git", directory / "to_folder");
  fs::create_directory_symlink(".", directory / "to_itself");
  fs::create_directory_symlink(elsewhere.path(), directory / "to_elsewhere");
  const DocumentRoot all(directory.path()), visible(directory.path(), Names::visible);
  for (const std::string name : {".", "folder", "folder/a.md", "to_visible.md", "to_itself", "to_itself/folder/a.md"}) {
    CAPTURE(name);
    CHECK(has(all, name));
    CHECK(has(visible, name));
  }
  for (const std::string name : {".git", ".git/config", "folder/.env", "to_hidden.md", "to_folder", "to_folder/config",
                                 "a.b/.../c.md", "folder/../folder/a.md"}) {
    CAPTURE(name);
    CHECK(has(all, name));
    CHECK_FALSE(has(visible, name));
    CHECK(errno == EXDEV);
  }
  fs::create_symlink("absent.md", directory / "to_absent.md");
  for (const std::string name : {"absent.md", "to_absent.md", "to_elsewhere/secret", "../x", ""}) {
    CAPTURE(name);
    CHECK_FALSE(has(all, name));
    CHECK_FALSE(has(visible, name));
  }
  CHECK(refusal(visible, "absent.md").kind == not_found);
  CHECK(refusal(visible, "to_absent.md").kind == not_found);
  CHECK(refusal(visible, "to_elsewhere/secret").kind == outside);
}

TEST_CASE("the state of a name in the root is that of what it leads to, and of nothing outside") {
  test::TemporaryDirectory directory, elsewhere;
  directory.write("folder/a.md", "four");
  directory.write("b.md", "more than four");
  elsewhere.write("secret", "secret");
  fs::create_symlink("folder/a.md", directory / "link.md");
  fs::create_symlink("../" + elsewhere.path().filename().native() + "/secret", directory / "to_secret");
  fs::create_symlink("..", directory / "up");
  fs::create_symlink("loop", directory / "loop");
  for (const auto names : {Names::all, Names::visible}) {
    const DocumentRoot root(directory.path(), names);
    const auto state = [&](const std::string& name) {
      struct ::stat found;
      REQUIRE(root.stat(name, found));
      return found;
    };
    CHECK(state("b.md").st_size == 14);
    CHECK(state("link.md").st_size == 4);
    CHECK(S_ISREG(state("link.md").st_mode));
    CHECK(state("link.md").st_ino == state("folder/a.md").st_ino);
    CHECK(S_ISDIR(state("folder").st_mode));
    CHECK(state(".").st_ino == root.identity().inode);
    for (const auto* name : {"to_secret", "up", ".."}) {
      CAPTURE(name);
      CHECK_FALSE(has(root, name));
      CHECK(errno == EXDEV);
    }
    CHECK_FALSE(has(root, "loop"));
    CHECK(errno == ELOOP);
    CHECK_FALSE(has(root, ""));
    CHECK(errno == ENOENT);
  }
}

TEST_CASE("a root that is hidden itself, or all there is, has visible names") {
  test::TemporaryDirectory directory;
  directory.write(".books/folder/a.md", "text");
  fs::create_symlink("folder/a.md", directory / ".books/link.md");
  const DocumentRoot books(directory / ".books", Names::visible);
  CHECK(has(books, "link.md"));
  const DocumentRoot everything("/", Names::visible);
  const auto below_everything = [](const fs::path& path) { return fs::canonical(path).native().substr(1); };
  CHECK_FALSE(has(everything, below_everything(directory.path()) + "/.books/link.md"));
  directory.write("folder/a.md", "text");
  fs::create_symlink("folder/a.md", directory / "link.md");
  CHECK(has(everything, below_everything(directory.path()) + "/link.md"));
}

TEST_CASE("a path is resolved once, again when a rename interferes, and not for ever") {
  const test::TemporaryDirectory directory;
  directory.write("a.md", "text");
  const DocumentRoot root(directory.path()), visible(directory.path(), Names::visible);
  int calls = 0, disturbed = 0;
  const auto times = [&](const std::function<std::string()>& body) {
    return test::with_answers(
        {SYS_openat2},
        [&](const test::SystemCall& call) { return ++calls <= disturbed ? calls % 2 != 0 ? -EAGAIN : -EINTR : call.make(); },
        [&] {
          const auto told = body();
          return told + ", " + std::to_string(calls);
        });
  };
  const auto once = times([&] { return read(root, "a.md"); });
  if (!once) {
    WARN("not tried: nobody may answer for the kernel here");
    return;
  }
  CHECK(once == "text, 1");
  CHECK(times([&] { return std::to_string(has(root, "absent.md")); }) == "0, 0");  // nothing to resolve
  CHECK(times([&] { return std::to_string(has(root, "./absent.md")); }) == "0, 1");
  CHECK(times([&] {
          errno = ELOOP;  // of something else
          return read(visible, "a.md");
        }) == "text, 1");
  disturbed = 3;
  CHECK(times([&] { return read(root, "a.md"); }) == "text, 4");
  disturbed = 1'000;
  CHECK(times([&] { return std::to_string(refusal(root, "a.md").kind == unreadable); }) == "1, 17");
}

TEST_CASE("where only visible names count, what cannot be told is refused") {
  const test::TemporaryDirectory directory, elsewhere;
  directory.write("folder/a.md", "text");
  fs::create_symlink("folder/a.md", directory / "link.md");
  const DocumentRoot root(directory.path(), Names::visible);
  int calls = 0;
  std::function<bool(const test::SystemCall&)> answers;
  const auto reads = [&] {
    return test::with_answers(
        {SYS_readlinkat,
#ifdef SYS_readlink
         SYS_readlink
#endif
        },
        [&](const test::SystemCall& call) -> long {
          ++calls;
          return answers(call) ? call.make() : -ENOENT;
        },
        [&] { return has(root, "link.md") ? "found"
                     : errno == EXDEV     ? "refused"
                                          : "another error"; });
  };
  answers = [](auto&) { return true; };
  const auto usual = reads();
  if (!usual) {
    WARN("not tried: nobody may answer for the kernel here");
    return;
  }
  CHECK(usual == "found");
  SECTION("without /proc") {
    answers = [](auto&) { return false; };
  }
  SECTION("when the folder has left the root meanwhile") {
    answers = [&](auto&) {
      if (calls == 2) fs::rename(directory / "folder", elsewhere / "folder of a name that is as long as it takes");
      return true;
    };
  }
  CHECK(reads() == "refused");
}

}  // namespace document_root_tests

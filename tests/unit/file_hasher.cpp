#include <render_cache/hasher/file.hpp>

#include "support/answered_calls.hpp"
#include "support/catch.hpp"
#include "support/temporary_directory.hpp"

#include <render_cache/hasher/xxh3.hpp>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <thread>

namespace file_hasher_tests {

using namespace render_cache;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

/// Tells how many contents were hashed, so that a test sees what the memo saved.
struct CountingHasher {
  std::shared_ptr<std::atomic<int>> hashed = std::make_shared<std::atomic<int>>(0);
  std::string digest(std::string_view text) const {
    ++*hashed;
    return Xxh3Hasher{}.digest(text);
  }
  Fingerprint components(std::string_view text) const { return std::move(Fingerprint().add("source", digest(text))); }
};

struct Fixture {
  test::TemporaryDirectory directory;
  std::shared_ptr<const DocumentRoot> root = std::make_shared<DocumentRoot>(directory.path());
  CountingHasher counting;
  FileHasher<CountingHasher> hasher{counting};

  FileSource file(std::string name) const { return {root, std::move(name)}; }
  std::string sample(std::string name) const { return hasher.components(file(std::move(name))).text(); }
  int hashed() const { return *counting.hashed; }
  FileError::Kind refusal(const std::string& name) const {
    try {
      static_cast<void>(hasher.freeze(file(name)));
    } catch (const FileError& error) {
      return error.kind;
    }
    throw std::logic_error(name + " was read");
  }
  /// As if written `age` ago. The change time cannot be set, so the test waits until that has settled too.
  void settle() const { std::this_thread::sleep_for(2100ms); }
};

}  // namespace

TEST_CASE("a file's fingerprint is that of its content, wherever it lies") {
  Fixture f;
  f.directory.write("a.md", "text");
  f.directory.write("deep/down/b.md", "text");
  CHECK(f.sample("a.md") == f.sample("deep/down/b.md"));
  CHECK(f.sample("a.md") == Xxh3Hasher{}.components("text").text());
  const auto frozen = f.hasher.freeze(f.file("a.md"));
  CHECK(frozen.content == "text");
  CHECK(frozen.components.text() == f.sample("a.md"));
}

TEST_CASE("a file is hashed each time until its stat has settled, and then once") {
  Fixture f;
  f.directory.write("a.md", "one");
  f.sample("a.md");
  f.sample("a.md");
  CHECK(f.hashed() == 2);
  f.settle();
  for (int i = 0; i < 5; ++i) f.sample("a.md");
  CHECK(f.hashed() == 3);

  SECTION("a change is seen although size and modification time are the same") {
    const auto time = fs::last_write_time(f.directory / "a.md");
    f.directory.write("a.md", "two");
    fs::last_write_time(f.directory / "a.md", time);
    CHECK(f.sample("a.md") == Xxh3Hasher{}.components("two").text());
  }
  SECTION("another file moved into its place is seen") {
    const auto time = fs::last_write_time(f.directory / "a.md");
    f.directory.write("new", "two");
    fs::last_write_time(f.directory / "new", time);
    fs::rename(f.directory / "new", f.directory / "a.md");
    CHECK(f.sample("a.md") == Xxh3Hasher{}.components("two").text());
  }
}

TEST_CASE("what is near is what the memo knows, and never an older state") {
  Fixture f;
  f.directory.write("a.md", "one");
  CHECK_FALSE(f.hasher.components_near(f.file("a.md")));
  CHECK_FALSE(f.hasher.components_near(f.file("absent.md")));
  f.settle();
  CHECK_FALSE(f.hasher.components_near(f.file("a.md")));
  const auto known = f.hasher.components(f.file("a.md"));
  CHECK(f.hasher.components_near(f.file("a.md")) == known);
  CHECK(f.hashed() == 1);
  f.directory.write("a.md", "two");
  CHECK_FALSE(f.hasher.components_near(f.file("a.md")));
  CHECK(f.hashed() == 1);
}

TEST_CASE("two hard links to a file are remembered beside each other") {
  Fixture f;
  f.directory.write("a.md", "text");
  fs::create_hard_link(f.directory / "a.md", f.directory / "b.md");
  f.settle();
  for (int i = 0; i < 3; ++i) {
    f.sample("a.md");
    f.sample("b.md");
  }
  CHECK(f.hashed() == 2);
}

TEST_CASE("a hasher that always reads sees a write that leaves no stamp") {
  test::TemporaryDirectory directory;
  const auto path = directory.write("a.md", std::string(4096, 'a'));
  const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  REQUIRE(file >= 0);
  auto* mapped = static_cast<char*>(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0));
  ::close(file);
  REQUIRE(mapped != MAP_FAILED);
  mapped[0] = 'b';  // from now on the page is dirty: ext4 stamps the file here, and not at the next write
  std::this_thread::sleep_for(2100ms);  // the stamp settles

  const FileHasher<Xxh3Hasher> reading({}, {.always_read = true});
  const FileSource source{std::make_shared<DocumentRoot>(directory.path()), "a.md"};
  const auto before = reading.components(source);
  mapped[0] = 'c';
  CHECK_FALSE(reading.components(source) == before);
  CHECK_FALSE(reading.components_near(source));
  ::munmap(mapped, 4096);
}

TEST_CASE("a path with a NUL byte is no file, and not the one before it") {
  Fixture f;
  f.directory.write("a.md", "text");
  const std::string path("a.md\0b", 6);
  CHECK_FALSE(f.hasher.time(f.file(path)));
  CHECK_FALSE(f.hasher.components_near(f.file(path)));
  CHECK(f.refusal(path) == FileError::Kind::not_found);
}

TEST_CASE("a time in the future is never trusted") {
  Fixture f;
  f.directory.write("a.md", "text");
  fs::last_write_time(f.directory / "a.md", fs::file_time_type::clock::now() + 1h);
  f.settle();
  f.sample("a.md");
  f.sample("a.md");
  CHECK(f.hashed() == 2);
  CHECK_FALSE(f.hasher.time(f.file("a.md"))->settled);
}

TEST_CASE("nothing outside the root is read") {
  Fixture f;
  test::TemporaryDirectory elsewhere;
  const auto secret = elsewhere.write("secret", "secret");
  fs::create_symlink(secret, f.directory / "link.md");
  fs::create_directory_symlink(elsewhere.path(), f.directory / "linked");
  f.directory.write("inside/a.md", "text");
  fs::create_symlink("inside/a.md", f.directory / "fine.md");
  using enum FileError::Kind;
  CHECK(f.refusal("link.md") == outside);
  CHECK(f.refusal("linked/secret") == outside);
  CHECK(f.refusal("../" + elsewhere.path().filename().string() + "/secret") == outside);
  CHECK(f.refusal("inside/../../" + elsewhere.path().filename().string() + "/secret") == outside);
  CHECK(f.refusal(secret.string()) == outside);
  CHECK(f.hasher.freeze(f.file("fine.md")).content == "text");

  // Nor by what is remembered of a file that was fine a moment ago.
  f.settle();
  f.sample("fine.md");
  fs::remove(f.directory / "fine.md");
  fs::create_symlink(secret, f.directory / "fine.md");
  CHECK_THROWS_AS(f.sample("fine.md"), FileError);

  // Nor by what is remembered of another root's file with the same path.
  f.directory.write("page.md", "text");
  f.settle();
  f.sample("page.md");
  fs::create_symlink(f.directory / "page.md", elsewhere / "page.md");
  const auto other = std::make_shared<const DocumentRoot>(elsewhere.path());
  CHECK_THROWS_AS(f.hasher.components({other, "page.md"}), FileError);
}

TEST_CASE("a folder that was moved out of the root and linked back is outside, whatever is remembered of it") {
  Fixture f;
  const test::TemporaryDirectory elsewhere;
  f.directory.write("folder/a.md", "text");
  f.settle();
  f.sample("folder/a.md");
  REQUIRE(f.hasher.components_near(f.file("folder/a.md")));
  fs::rename(f.directory / "folder", elsewhere / "folder");
  fs::create_directory_symlink(elsewhere / "folder", f.directory / "folder");
  CHECK_FALSE(f.hasher.components_near(f.file("folder/a.md")));
  CHECK_THROWS_AS(f.sample("folder/a.md"), FileError);
  struct ::stat state;
  CHECK_FALSE(f.root->stat("folder", state));
  CHECK_FALSE(f.root->stat("folder/a.md", state));
}

TEST_CASE("where only visible names count, no link leads to a hidden one") {
  Fixture f;
  f.root = std::make_shared<const DocumentRoot>(f.directory.path(), DocumentRoot::Names::visible);
  f.directory.write(".git/config", "secret");
  f.directory.write("folder/.env", "secret");
  f.directory.write("folder/a.md", "text");
  fs::create_directory_symlink(".git", f.directory / "notes");
  fs::create_symlink("folder/.env", f.directory / "env.md");
  fs::create_symlink("notes/../folder/a.md", f.directory / "fine.md");
  using enum FileError::Kind;
  for (const char* name : {".git/config", "folder/.env", "notes/config", "env.md", "folder/../folder/a.md"}) {
    CAPTURE(name);
    struct ::stat state;
    CHECK(f.refusal(name) == outside);
    CHECK_FALSE(f.root->stat(name, state));
  }
  CHECK(f.hasher.freeze(f.file("folder/a.md")).content == "text");
  CHECK(f.hasher.freeze(f.file("fine.md")).content == "text");

  // Nor by what is remembered of a folder that has been hidden since.
  f.settle();
  f.sample("folder/a.md");
  fs::rename(f.directory / "folder", f.directory / ".folder");
  fs::create_directory_symlink(".folder", f.directory / "folder");
  CHECK_THROWS_AS(f.sample("folder/a.md"), FileError);
}

TEST_CASE("what is no regular file, or cannot be read, is refused by its kind") {
  Fixture f;
  using enum FileError::Kind;
  f.directory.write("dir/a.md", "text");
  ::mkfifo((f.directory / "pipe").c_str(), 0600);
  fs::create_symlink("loop", f.directory / "loop");
  CHECK(f.refusal("dir") == not_a_file);
  CHECK(f.refusal("pipe") == not_a_file);
  CHECK(f.refusal("absent.md") == not_found);
  CHECK(f.refusal("dir/a.md/b") == not_found);
  CHECK(f.refusal(std::string(5000, 'a')) == not_found);
  CHECK(f.refusal(std::string("dir/a.md\0x", 10)) == not_found);
  CHECK(f.refusal("loop") == outside);
  f.directory.write("private", "text");
  fs::permissions(f.directory / "private", fs::perms::none);
  if (::geteuid() != 0) CHECK(f.refusal("private") == unreadable);  // root reads everything
  CHECK_THROWS_AS(DocumentRoot(f.directory / "dir/a.md"), FileError);
}

TEST_CASE("control characters of a path do not reach whoever reads of it") {
  Fixture f;
  CHECK_THROWS_WITH(f.hasher.freeze(f.file("a\x1b[2J\nb\x7f\xc2\x9b\xff\xc3\xa4.md")),
                    ContainsSubstring("a\\x1b[2J\\x0ab\\x7f\\xc2\\x9b\\xff\xc3\xa4.md'"));
  CHECK(printable("one\ntwo\t\x1b", "\n\t") == "one\ntwo\t\\x1b");
}

TEST_CASE("a file at the limit is read and one above it is refused") {
  Fixture f;
  const FileHasher<Xxh3Hasher> small(Xxh3Hasher{}, {.max_bytes = 100});
  f.directory.write("fits", std::string(100, 'a'));
  f.directory.write("big", std::string(101, 'a'));
  CHECK(small.freeze(f.file("fits")).content.size() == 100);
  CHECK_THROWS_WITH(small.freeze(f.file("big")), ContainsSubstring("101 bytes") && ContainsSubstring("max_bytes"));
}

TEST_CASE("a read is never torn by a writer", "[concurrent]") {
  Fixture f;
  f.directory.write("a.md", std::string(100'000, 'a'));
  std::jthread writer([&](std::stop_token stop) {
    for (char c = 'a'; !stop.stop_requested(); c = c == 'z' ? 'a' : static_cast<char>(c + 1)) {
      f.directory.write("next", std::string(100'000, c));
      fs::rename(f.directory / "next", f.directory / "a.md");
    }
  });
  for (int i = 0; i < 300; ++i) {
    const auto frozen = f.hasher.freeze(f.file("a.md"));
    REQUIRE(frozen.content.size() == 100'000);
    REQUIRE(frozen.content.find_first_not_of(frozen.content[0]) == std::string::npos);
    REQUIRE(frozen.components == Xxh3Hasher{}.components(frozen.content));
  }
}

TEST_CASE("a file that is written to during each attempt to read it is torn, after eight of them") {
  struct WritingHasher {
    std::shared_ptr<int> digests = std::make_shared<int>(0);
    fs::path file;
    std::string digest(std::string_view) const {
      std::ofstream(file) << "now " << 1000 + ++*digests;
      return "digest";
    }
    Fingerprint components(std::string_view text) const { return std::move(Fingerprint().add("source", digest(text))); }
  } writing;
  test::TemporaryDirectory directory;
  writing.file = directory.write("a.md", "now 1000");
  const FileHasher<WritingHasher> hasher(writing);
  const FileSource source{std::make_shared<DocumentRoot>(directory.path()), "a.md"};
  CHECK_THROWS_WITH(hasher.freeze(source), ContainsSubstring("a.md' was written to during each of 8 attempts to read it"));
  CHECK(*writing.digests == 8);
}

TEST_CASE("a file is read whole, whatever interrupts the reading, or there is an error") {
  Fixture f;
  f.directory.write("a.md", "0123456789");
  f.settle();
  int reads = 0;  // in the child that reads
  const auto content = [&](const test::Answer& reading) {
    return test::with_answers(
        {SYS_pread64},
        [&](const test::SystemCall& call) {
          ++reads;
          return reading(call);
        },
        [&] {
          try {
            return f.hasher.freeze(f.file("a.md")).content;
          } catch (const FileError& error) {
            return std::string(error.kind == FileError::Kind::torn         ? "torn"
                               : error.kind == FileError::Kind::unreadable ? "unreadable"
                                                                           : error.what());
          }
        });
  };
  const auto a_part_of = [](test::SystemCall call, long bytes) {
    call.arguments[2] = std::min(call.arguments[2], bytes);
    return call.make();
  };
  const auto whole = content([&](auto& call) { return call.make(); });
  if (!whole) {
    WARN("not tried: nobody may answer for the kernel here");
    return;
  }
  CHECK(whole == "0123456789");
  const auto after_a_signal_and_an_end = content([&](auto& call) -> long {
    return reads == 1 ? -EINTR : reads == 2 ? 0 : a_part_of(call, 3);
  });
  CHECK(after_a_signal_and_an_end == "0123456789");
  CHECK(content([&](auto&) -> long { return reads == 1 ? -EINTR : 0; }) == "torn");
  CHECK(content([](auto&) -> long { return -EIO; }) == "unreadable");
  const auto with_a_writer = content([&](auto& call) {
    if (reads == 2) f.directory.write("a.md", "abcdefghij");
    return a_part_of(call, 5);
  });
  CHECK(with_a_writer == "abcdefghij");
}

TEST_CASE("a file whose state cannot be asked is not read") {
  Fixture f;
  f.directory.write("a.md", "text");
  int asked = 0;
  const auto kind = test::with_answers(
      {SYS_newfstatat, SYS_fstat},
      [&](const test::SystemCall& call) -> long { return ++asked == 2 ? -EIO : call.make(); },  // the first is the root's
      [&] { return std::to_string(f.refusal("a.md") == FileError::Kind::unreadable); });
  if (!kind) {
    WARN("not tried: nobody may answer for the kernel here");
    return;
  }
  CHECK(kind == "1");
}

TEST_CASE("what a file hasher is not told is as documented") {
  const FileHasherOptions options;
  CHECK(options.max_bytes == 67'108'864);
  CHECK(options.memo_entries == 131'072);
  CHECK_FALSE(options.always_read);
}

TEST_CASE("absence of a file is told apart from failure") {
  Fixture f;
  CHECK_FALSE(f.hasher.digest(f.file("absent")).has_value());
  CHECK_FALSE(f.hasher.time(f.file("absent")).has_value());
  f.directory.write("a", "text");
  CHECK(f.hasher.digest(f.file("a")) == Xxh3Hasher{}.digest("text"));
  CHECK(f.hasher.time(f.file("a"))->bytes == 4);
  CHECK(FileTime{}.bytes == 0);
  CHECK_FALSE(FileTime{}.settled);
  CHECK_FALSE(f.hasher.time(f.file("a"))->settled);
  CHECK_THROWS_AS(f.hasher.digest(f.file("../a")), FileError);
  CHECK_THROWS_AS(f.hasher.time(f.file("../a")), FileError);
}

}  // namespace file_hasher_tests

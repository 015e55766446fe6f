#include <tutelage/core/mapped_file.hpp>

#include <doctest/doctest.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <thread>
#include <utility>

#include "support/temporary_folder.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;
using namespace tutelage;

std::string text(const mapped_file& file) { return {file.bytes().begin(), file.bytes().end()}; }

}  // namespace

TEST_CASE("mapped_file: regular files") {
  const temporary_folder folder;
  const std::string large(3 << 20, 'x');
  for (const std::string& content : {std::string(), std::string("a\0b", 3), large}) {
    const std::string path = folder.write("file", content);
    mapped_file first(path);
    CHECK(first.path() == path);
    CHECK(text(first) == content);
    const auto* const data = first.bytes().data();
    mapped_file second(std::move(first));
    CHECK(text(second) == content);
    if (!content.empty()) CHECK(second.bytes().data() == data);
  }
}

TEST_CASE("mapped_file: a FIFO is read to its end") {
  const temporary_folder folder;
  const auto path = folder / "fifo";
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  const std::string content(2'500'000, 'y');
  std::jthread writer([&] { std::ofstream(path) << content; });
  const mapped_file file(path);
  CHECK(text(file) == content);
}

TEST_CASE("mapped_file: what cannot be read") {
  const temporary_folder folder;
  const auto check = [](const std::string& path, const std::string& operation, int number) {
    const auto e = thrown_by<io_error>([&] { mapped_file file(path); });
    CHECK(e.operation() == operation);
    CHECK(e.path() == path);
    CHECK(e.code().value() == number);
  };
  check(folder / "absent", "open", ENOENT);
  check(folder / "", "read", EISDIR);
  check(folder.write("file", "x") + "/below", "open", ENOTDIR);
}

TEST_CASE("mapped_file: no file is left open") {
  const temporary_folder folder;
  const std::string path = folder.write("file", "x");
  const auto lowest_free = [&] {
    const int file = ::open(path.c_str(), O_RDONLY);
    ::close(file);
    return file;
  };
  const int before = lowest_free();
  { const mapped_file file(path); }
  CHECK(lowest_free() == before);
  CHECK_THROWS_AS(mapped_file(folder / ""), io_error);  // opened, and no file to read
  CHECK(lowest_free() == before);
}

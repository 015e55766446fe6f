#include <tutelage/io/csv.hpp>

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "support/guarded_bytes.hpp"
#include "support/temporary_folder.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;
using namespace tutelage;

csv_table<double> read(const std::string& content, const csv_settings& settings = {}) {
  const guarded_bytes guarded(content);
  return parse_csv<double>(guarded.bytes(), "file", settings);
}
std::string refused(const std::string& content, const csv_settings& settings = {}) {
  return refusal(
      [&](std::span<const unsigned char> bytes) { parse_csv<double>(bytes, "file", settings); },
      content);
}

void check_table(const csv_table<double>& table) {
  const std::vector<double> expected{1, -2.5, 3e-3, 4, 5, 6};
  REQUIRE(table.values.shape(0) == 2);
  REQUIRE(table.values.shape(1) == 3);
  for (std::size_t i = 0; i < 6; ++i) CHECK(table.values(i / 3, i % 3) == expected[i]);
}

}  // namespace

TEST_CASE("csv: lines, blanks, separators") {
  for (const char* content : {"1,-2.5,3e-3\n4,5,6\n", "1,-2.5,3e-3\n4,5,6",
                              "1,-2.5,3e-3\r\n4,5,6\r\n", " 1 ,\t-2.5 , 3e-3 \n4, 5 ,6.0\n",
                              "\xEF\xBB\xBF"
                              "1,-2.5,.003\n4,5,6\n"}) {
    CAPTURE(content);
    check_table(read(content));
    CHECK(read(content).names.empty());
  }
  check_table(read("1;-2.5;3e-3\n4;5;6\n", {.separator = ';'}));
  check_table(read("1\t-2.5\t 3e-3\n4\t5\t6\n", {.separator = '\t'}));
  check_table(read("1 -2.5 3e-3\n4 5 6\n", {.separator = ' '}));
}

TEST_CASE("csv: names") {
  const auto table = read("x, \"y\" ,z 2\n1,-2.5,3e-3\n4,5,6\n", {.header = true});
  check_table(table);
  CHECK(table.names == std::vector<std::string>{"x", "y", "z 2"});
  CHECK(refused("x,y\n1,2,3\n", {.header = true}) == "byte 4: row 0: 3 fields, expected 2");
  CHECK(refused("x,y\n", {.header = true}) == "byte 4: rows: none");
}

TEST_CASE("csv: what is refused, and where") {
  CHECK(refused("") == "byte 0: rows: none");
  CHECK(refused("x,y\n1,2\n") ==
        "byte 0: row 0, column 0: 'x', expected a finite number (names in the first line are read "
        "with header)");
  CHECK(refused("1,2\n3\n") == "byte 4: row 1: 1 fields, expected 2");
  CHECK(refused("1,2\n3,4,5\n") == "byte 4: row 1: 3 fields, expected 2");
  CHECK(refused("1,2\n\n3,4\n") == "byte 4: row 1, column 0: '', expected a finite number");
  CHECK(refused("1,2\n3,4\n\n") == "byte 8: row 2, column 0: '', expected a finite number");
  for (const char* field :
       {"nan", "inf", "-inf", "1e999", "0x10", "1.2.3", "1,", "+1", "1 2", "--1", "1e", "\"1\""}) {
    CAPTURE(field);
    CHECK(refused("1,2\n3," + std::string(field) + "\n") != "");
  }
  CHECK(refused(std::string("1\0,2\n", 5)) != "");
  CHECK(refused("1,2\n3,abc\n") == "byte 6: row 1, column 1: 'abc', expected a finite number");
}

TEST_CASE("csv: every change of a bit ends well, every beginning too") {
  const std::string content = "x,y\r\n1.5,2\r\n-3e4,4\r\n";
  const auto parse = [](std::span<const unsigned char> bytes) {
    parse_csv<float>(bytes, "file", {.header = true});
  };
  CHECK(refusal(parse, content) == "");
  flips_read(parse, content);
  CHECK(first_beginning_read(parse, content) == 10);  // "1.5,2" without a line's end is a row
}

TEST_CASE("csv: files") {
  const temporary_folder folder;
  check_table(read_csv<double>(folder.write("table.csv", "1,-2.5,3e-3\n4,5,6\n")));
  CHECK(thrown_by<io_error>([&] { read_csv<double>(folder / "absent"); }).path() ==
        folder / "absent");
  CHECK(thrown_by<format_error>([&] { read_csv<double>(folder.write("bad", "x\n")); }).file() ==
        folder / "bad");
}

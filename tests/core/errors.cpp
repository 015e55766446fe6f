#include <tutelage/core/errors.hpp>

#include <cerrno>
#include <complex>
#include <cstring>
#include <limits>
#include <memory>
#include <ostream>
#include <string_view>

#include "support/thrown.hpp"

namespace {

using namespace test;
using namespace tutelage;

// Is `thrown`, when it is thrown, caught as Base, with the same message?
template <class Base, class Error>
bool caught_as(const Error& thrown) {
  try {
    throw thrown;
  } catch (const Base& caught) {
    return std::strcmp(caught.what(), thrown.what()) == 0;
  } catch (...) {
    return false;
  }
}

template <class Standard, class Error>
void check_bases(const Error& e) {
  CHECK(caught_as<Error>(e));
  CHECK(caught_as<Standard>(e));
  CHECK(caught_as<std::exception>(e));
  CHECK(caught_as<tutelage::error>(e));
}

}  // namespace

TEST_CASE("errors: shape_error and argument_error") {
  const shape_error shape("forward: x is (2x3), expected (2x4)");
  CHECK(std::string(shape.what()) == "forward: x is (2x3), expected (2x4)");
  check_bases<std::invalid_argument>(shape);
  CHECK(!caught_as<argument_error>(shape));
  const argument_error argument("rate is nan");
  CHECK(std::string(argument.what()) == "rate is nan");
  check_bases<std::invalid_argument>(argument);
  CHECK(!caught_as<shape_error>(argument));
}

TEST_CASE("errors: format_error") {
  const format_error e("digits.idx", 5'000'000'000, "rows", "28, expected 32");
  CHECK(std::string(e.what()) == "digits.idx: byte 5000000000: rows: 28, expected 32");
  CHECK(e.file() == "digits.idx");
  CHECK(e.byte_offset() == 5'000'000'000);
  CHECK(e.field() == "rows");
  check_bases<std::runtime_error>(e);
}

TEST_CASE("errors: io_error") {
  const io_error e("write", "folder/file", ENOSPC);
  CHECK(std::string(e.what()) == "cannot write folder/file: No space left on device");
  CHECK(e.operation() == "write");
  CHECK(e.path() == "folder/file");
  CHECK(e.code() == std::error_code(ENOSPC, std::generic_category()));
  CHECK(e.code() == std::errc::no_space_on_device);
  check_bases<std::system_error>(e);
}

TEST_CASE("errors: diverged_error") {
  const diverged_error e(20, 1234, 3, 0.125);
  CHECK(std::string(e.what()) ==
        "training diverged at step 1234 (seed 20): layer 3 is the lowest with a value that is not "
        "finite; last finite loss 0.125; try a smaller learning rate");
  CHECK(e.seed() == 20);
  CHECK(e.step() == 1234);
  CHECK(e.layer() == 3);
  CHECK(e.last_finite_loss() == 0.125);
  check_bases<std::runtime_error>(e);
  const diverged_error first(std::numeric_limits<std::uint64_t>::max(), 0, 0,
                             std::numeric_limits<double>::infinity());
  CHECK(std::string(first.what()) ==
        "training diverged at step 0 (seed 18446744073709551615): layer 0 is the lowest with a "
        "value that is not finite; last finite loss inf; try a smaller learning rate");
}

TEST_CASE("errors: the standard library's exceptions are not ours") {
  CHECK(!caught_as<tutelage::error>(std::invalid_argument("x")));
  CHECK(!caught_as<tutelage::error>(std::runtime_error("x")));
}

TEST_CASE("errors: a copy says the same and outlives the original") {
  auto original = std::make_unique<io_error>("write", "file", EIO);
  const io_error copy = *original;
  original.reset();
  CHECK(std::string(copy.what()) == "cannot write file: Input/output error");
  CHECK(copy.path() == "file");
}

TEST_CASE("text: strings, whole numbers and reals in a row") {
  using detail::text;
  CHECK(text("a ", std::string("b"), std::string_view(" c"), " ", 3) == "a b c 3");
  CHECK(text(-5, " ", std::numeric_limits<std::int64_t>::min()) == "-5 -9223372036854775808");
  CHECK(text(std::numeric_limits<std::uint64_t>::max()) == "18446744073709551615");
  CHECK(text(0.1, " ", -2.5F, " ", 1e300, " ", 0.25L) == "0.1 -2.5 1e+300 0.25");
  CHECK(text(1.0 / 3) == "0.333333333");  // nine digits tell floats apart
  CHECK(text(std::numeric_limits<double>::infinity()) == "inf");
  CHECK(text(std::numeric_limits<double>::quiet_NaN()) == "nan");
  CHECK(text(-std::numeric_limits<double>::quiet_NaN()) == "nan");
  CHECK(text(std::complex<double>(1, -0.5)) == "(1, -0.5)");
}

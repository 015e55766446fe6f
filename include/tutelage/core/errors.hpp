// What the library throws. Every type derives from the matching standard exception and from
// tutelage::error, so that `catch (const tutelage::error&)` catches ours and nothing else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include <tutelage/core/text.hpp>

#ifdef __FAST_MATH__
#error "tutelage: -ffast-math removes the checks for NaN and infinity; compile without it"
#endif

namespace tutelage {

/// Base of every exception that the library throws.
class error {
 public:
  virtual ~error() = default;
  [[nodiscard]] virtual const char* what() const noexcept = 0;

 protected:
  error() = default;
  error(const error&) = default;
  error& operator=(const error&) = default;
};

namespace errors {
template <class Standard>
class error_as : public Standard, public error {
 public:
  using Standard::Standard;
  [[nodiscard]] const char* what() const noexcept override { return Standard::what(); }
};
}  // namespace errors

/// Widths or batch sizes do not fit. The message names the function, what it got, what it wanted.
class shape_error : public errors::error_as<std::invalid_argument> {
 public:
  using error_as::error_as;
};

/// A setting lies outside what it can mean (a rate that is not a number, an empty list of values).
class argument_error : public errors::error_as<std::invalid_argument> {
 public:
  using error_as::error_as;
};

/// A file's content is not what its format says.
class format_error : public errors::error_as<std::runtime_error> {
 public:
  format_error(std::string file, std::uint64_t byte_offset, std::string field,
               const std::string& problem)
      : error_as(detail::text(file, ": byte ", byte_offset, ": ", field, ": ", problem)),
        file_(std::move(file)),
        byte_offset_(byte_offset),
        field_(std::move(field)) {}

  [[nodiscard]] const std::string& file() const noexcept { return file_; }
  [[nodiscard]] std::uint64_t byte_offset() const noexcept { return byte_offset_; }
  [[nodiscard]] const std::string& field() const noexcept { return field_; }

 private:
  std::string file_;
  std::uint64_t byte_offset_;
  std::string field_;
};

/// The operating system refused; code() holds errno.
class io_error : public errors::error_as<std::system_error> {
 public:
  io_error(std::string operation, std::string path, int error_number)
      : error_as(std::error_code(error_number, std::generic_category()),
                 detail::text("cannot ", operation, " ", path)),
        operation_(std::move(operation)),
        path_(std::move(path)) {}

  [[nodiscard]] const std::string& operation() const noexcept { return operation_; }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  std::string operation_;
  std::string path_;
};

/// The loss stopped being a finite number.
class diverged_error : public errors::error_as<std::runtime_error> {
 public:
  diverged_error(std::uint64_t seed, std::uint64_t step, std::size_t layer, double last_finite_loss)
      : error_as(detail::text("training diverged at step ", step, " (seed ", seed, "): layer ",
                              layer,
                              " is the lowest with a value that is not finite; last finite loss ",
                              last_finite_loss, "; try a smaller learning rate")),
        seed_(seed),
        step_(step),
        layer_(layer),
        last_finite_loss_(last_finite_loss) {}

  [[nodiscard]] std::uint64_t seed() const noexcept { return seed_; }
  /// Steps done before the one that failed.
  [[nodiscard]] std::uint64_t step() const noexcept { return step_; }
  /// Lowest layer (1 = above the input) whose output is not finite; 0 = the input itself.
  [[nodiscard]] std::size_t layer() const noexcept { return layer_; }
  [[nodiscard]] double last_finite_loss() const noexcept { return last_finite_loss_; }

 private:
  std::uint64_t seed_;
  std::uint64_t step_;
  std::size_t layer_;
  double last_finite_loss_;
};

}  // namespace tutelage

// A file of arrays of any of the formats, told apart by how it begins.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <tutelage/core/mapped_file.hpp>
#include <tutelage/io/npy.hpp>
#include <tutelage/io/npz.hpp>
#include <tutelage/io/safetensors.hpp>
#include <utility>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

/// The arrays of a .npy, .npz or safetensors file. Copies share the file.
class array_file {
 public:
  /// Throws io_error when the file cannot be read, format_error when it is none of these or breaks a
  /// rule of its format.
  explicit array_file(const std::string& path) : content_(std::make_shared<content>(path)) {
    auto& c = *content_;
    const auto bytes = c.file.bytes();
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (text.starts_with(detail::npy_magic)) {
      c.arrays.push_back(parse_npy(bytes, path));
    } else if (text.starts_with("PK")) {
      auto npz = parse_npz(bytes, path);
      c.arrays = std::move(npz.arrays);
      c.inflated = std::move(npz.inflated);
    } else {
      auto read = parse_safetensors(bytes, path);
      c.arrays = std::move(read.arrays);
      c.metadata = std::move(read.metadata);
    }
  }

  [[nodiscard]] const std::string& path() const noexcept { return content_->file.path(); }
  /// In the file's order. A .npy's has no name.
  [[nodiscard]] const std::vector<named_array>& arrays() const noexcept { return content_->arrays; }
  [[nodiscard]] const std::map<std::string, std::string>& metadata() const noexcept {
    return content_->metadata;
  }

 private:
  struct content {
    explicit content(const std::string& path) : file(path) {}
    mapped_file file;
    std::vector<named_array> arrays;
    std::vector<std::vector<unsigned char>> inflated;
    std::map<std::string, std::string> metadata;
  };
  std::shared_ptr<content> content_;
};

}  // namespace tutelage

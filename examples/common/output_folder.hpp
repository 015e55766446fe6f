// Where a program leaves its results.
#pragma once

#include <string>
#include <vector>

namespace examples {

/// Makes a folder and those above it, where they are not there. Throws io_error.
void make_folder(const std::string& path);

/// A folder, and the names of the files written to it so far.
class output_folder {
 public:
  /// Makes the folder when it is not there.
  explicit output_folder(std::string path);

  /// The name of a file in it.
  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }

  /// Writes a file, whole or not at all. Returns its name.
  std::string write(const std::string& name, const std::string& text);

  /// Draws name.svg and name.png, where gnuplot is installed; see gnuplot.hpp.
  void draw(const std::string& name, const std::string& script);

  [[nodiscard]] const std::vector<std::string>& written() const { return written_; }

  /// Prints the names of the files.
  void print() const;

 private:
  std::string path_;
  std::vector<std::string> written_;
};

}  // namespace examples

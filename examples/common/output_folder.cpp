#include "common/output_folder.hpp"

#include <cstdio>
#include <filesystem>
#include <system_error>

#include <tutelage/core/errors.hpp>
#include <tutelage/core/files.hpp>

#include "common/gnuplot.hpp"

namespace examples {

void make_folder(const std::string& path) {
  std::error_code problem;
  std::filesystem::create_directories(path, problem);
  if (problem) throw tutelage::io_error("make the folder", path, problem.value());
}

output_folder::output_folder(std::string path) : path_(std::move(path)) { make_folder(path_); }

std::string output_folder::write(const std::string& name, const std::string& text) {
  const std::string file = *this / name;
  tutelage::write_file(file, text);
  written_.push_back(file);
  return file;
}

void output_folder::draw(const std::string& name, const std::string& script) {
  if (!examples::draw(*this / name, script)) return;
  for (const char* type : {".svg", ".png"}) written_.push_back(*this / (name + type));
}

void output_folder::print() const {
  for (const auto& file : written_) std::printf("wrote %s\n", file.c_str());
}

}  // namespace examples

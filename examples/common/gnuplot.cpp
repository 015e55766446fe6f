#include "common/gnuplot.hpp"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>

namespace examples {

std::string quoted(const std::string& path) {
  std::string result = "'";
  for (const char c : path) result += c == '\'' ? std::string("''") : std::string(1, c);
  return result + "'";
}

bool draw(const std::string& stem, const std::string& script) {
  if (std::system("command -v gnuplot > /dev/null 2>&1") != 0) return false;
  std::FILE* const gnuplot = ::popen("gnuplot /dev/stdin", "w");
  if (gnuplot == nullptr) throw std::runtime_error("cannot start gnuplot");
  const auto figure = [&](const char* terminal, const std::string& file) {
    const std::string text = std::string("reset\nset terminal ") + terminal + "\nset output " +
                             quoted(file) + "\n" + script + "\nunset output\n";
    std::fputs(text.c_str(), gnuplot);
  };
  figure("svg size 800,560 background rgb 'white'", stem + ".svg.part");
  figure("pngcairo size 1200,840 fontscale 1.4", stem + ".png.part");
  if (::pclose(gnuplot) != 0) {
    std::filesystem::remove(stem + ".svg.part");
    std::filesystem::remove(stem + ".png.part");
    throw std::runtime_error("gnuplot failed on " + stem);
  }
  std::filesystem::rename(stem + ".svg.part", stem + ".svg");
  std::filesystem::rename(stem + ".png.part", stem + ".png");
  return true;
}

}  // namespace examples

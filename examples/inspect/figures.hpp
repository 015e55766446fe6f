// Figures of a report, as SVG to put into HTML.
#pragma once

#include <string>
#include <vector>

#include <tutelage/core/matrix.hpp>

namespace examples {

/// A cell an entry, blue below 0 and red above, at most the first 64 rows and 128 columns. White is 0;
/// the color is full at `full`, or where that is 0 at the largest entry.
std::string heat_map(const tutelage::matrix<double>& m, const std::string& of_rows,
                     const std::string& of_columns, double full = 0);

struct point {
  double x, y;
  bool strong;  // drawn filled
  std::string name;
};

/// Points with axes from 0 or the least value on.
std::string scatter(const std::vector<point>& points, const std::string& of_x,
                    const std::string& of_y);

/// A bar a value, from 0 to `top`, or where that is 0 to the largest.
std::string bars(const std::vector<double>& values, const std::string& of_x,
                 const std::string& of_y, double top = 0,
                 const std::vector<std::string>& names = {});

/// How many of the shares, in [0, 1], are in each of ten equal parts.
std::string histogram(const std::vector<double>& shares, const std::string& of_x,
                      const std::string& of_y);

/// How many of the values are in each of some 20 intervals of a round width, of which one begins at
/// 0; those of negative values are of another color.
std::string value_histogram(const std::vector<double>& values, const std::string& of_x,
                            const std::string& of_y);

/// Text as HTML shows it.
std::string escaped(const std::string& text);

}  // namespace examples

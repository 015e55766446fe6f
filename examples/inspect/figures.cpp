#include "inspect/figures.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "pair/print.hpp"

namespace examples {

namespace {

constexpr double left = 62, bottom = 46, above = 12, width = 440, height = 270;

// A round number of steps, about five to `range`.
double step_of(double range) {
  const double power = std::pow(10.0, std::floor(std::log10(range / 5)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (range / (factor * power) <= 6) return factor * power;
  }
  return 10 * power;
}

std::string opened(double w, double h, const std::string& name) {
  return format("<svg viewBox='0 0 %.0f %.0f' width='%.0f' height='%.0f' role='img' ", w, h, w, h) +
         "aria-label='" + escaped(name) + "'>\n";
}

std::string text_at(double x, double y, const char* anchor, const std::string& text) {
  return format("<text x='%.1f' y='%.1f' text-anchor='%s'>", x, y, anchor) + escaped(text) +
         "</text>\n";
}

std::string upright_at(double x, double y, const std::string& text) {
  return format("<text transform='translate(%.1f %.1f) rotate(-90)' text-anchor='middle'>", x, y) +
         escaped(text) + "</text>\n";
}

// One direction of a drawing: numbers and where they are.
struct axis {
  double from, to, at_from, at_to;
  [[nodiscard]] double place(double v) const {
    return at_from + (v - from) / (to - from) * (at_to - at_from);
  }
};

axis axis_over(double low, double high, double at_from, double at_to) {
  if (!(high > low)) high = low + (low == 0 ? 1 : std::abs(low));
  const double step = step_of(high - low);
  return {step * std::floor(low / step), step * std::ceil(high / step - 1e-9), at_from, at_to};
}

std::string drawn(const axis& x, const axis& y, const std::string& of_x, const std::string& of_y,
                  bool numbers_on_x) {
  std::string svg;
  const auto line = [&](double x1, double y1, double x2, double y2, const char* kind) {
    svg += format("<line class='%s' x1='%.1f' y1='%.1f' x2='%.1f' y2='%.1f'/>\n", kind, x1, y1, x2,
                  y2);
  };
  const auto ticks = [](const axis& a, const auto& tick) {
    const double step = step_of(a.to - a.from);
    const auto count = std::lround((a.to - a.from) / step);
    for (long i = 0; i <= count; ++i) {
      const double v = a.from + static_cast<double>(i) * step;
      tick(std::abs(v) < step * 1e-9 ? 0.0 : v);
    }
  };
  ticks(y, [&](double v) {
    line(x.at_from, y.place(v), x.at_to, y.place(v), "grid");
    svg += text_at(x.at_from - 6, y.place(v) + 4, "end", format("%.4g", v));
  });
  if (numbers_on_x) {
    ticks(x, [&](double v) {
      line(x.place(v), y.at_from, x.place(v), y.at_to, "grid");
      svg += text_at(x.place(v), y.at_from + 16, "middle", format("%.4g", v));
    });
  }
  line(x.at_from, y.at_from, x.at_to, y.at_from, "axis");
  line(x.at_from, y.at_from, x.at_from, y.at_to, "axis");
  svg += text_at((x.at_from + x.at_to) / 2, y.at_from + 36, "middle", of_x);
  return svg + upright_at(14, (y.at_from + y.at_to) / 2, of_y);
}

// White at 0, blue to -1, red to 1.
std::string color(double v) {
  const std::array<double, 3> end =
      v < 0 ? std::array<double, 3>{59, 76, 192} : std::array<double, 3>{180, 4, 38};
  const double share = std::min(1.0, std::abs(v));
  std::array<int, 3> rgb{};
  for (std::size_t i = 0; i < 3; ++i) {
    rgb[i] = static_cast<int>(std::lround(255 + share * (end[i] - 255)));
  }
  return format("#%02x%02x%02x", static_cast<unsigned>(rgb[0]), static_cast<unsigned>(rgb[1]),
                static_cast<unsigned>(rgb[2]));
}

}  // namespace

std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '&':
        result += "&amp;";
        break;
      case '\'':
        result += "&#39;";
        break;
      case '"':
        result += "&quot;";
        break;
      default:
        result += c;
    }
  }
  return result;
}

std::string heat_map(const tutelage::matrix<double>& m, const std::string& of_rows,
                     const std::string& of_columns, double full) {
  const std::size_t rows = std::min<std::size_t>(m.shape(0), 64);
  const std::size_t columns = std::min<std::size_t>(m.shape(1), 128);
  double largest = 0;
  for (const double v : m) largest = std::max(largest, std::abs(v));
  if (full == 0) full = largest > 0 ? largest : 1;
  const double cell = std::clamp(width / static_cast<double>(std::max(rows, columns)), 4.0, 24.0);
  const double w = cell * static_cast<double>(columns), h = cell * static_cast<double>(rows);
  const double total = left + std::max(w, 200.0) + 80;
  std::string svg = opened(total, above + std::max(h, 120.0) + bottom, of_rows + ", " + of_columns);
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t k = 0; k < columns; ++k) {
      svg += format("<rect x='%.1f' y='%.1f' width='%.2f' height='%.2f' fill='%s'>",
                    left + cell * static_cast<double>(k), above + cell * static_cast<double>(i),
                    cell, cell, color(m(i, k) / full).c_str());
      svg += format("<title>(%zu, %zu): %.4g</title></rect>\n", i, k, m(i, k));
    }
  }
  svg += format("<rect x='%.1f' y='%.1f' width='%.1f' height='%.1f' class='frame'/>\n", left, above,
                w, h);
  const auto every = [cell](std::size_t count) {  // labels that do not touch
    std::size_t step = 1;
    while (static_cast<double>(step) * cell < 18) step *= step % 3 == 2 ? 5 : 2;
    return std::min(step, std::max<std::size_t>(count, 1));
  };
  for (std::size_t i = 0; i < rows; i += every(rows)) {
    svg += text_at(left - 6, above + cell * (static_cast<double>(i) + 0.5) + 4, "end",
                   std::to_string(i));
  }
  for (std::size_t k = 0; k < columns; k += every(columns)) {
    svg += text_at(left + cell * (static_cast<double>(k) + 0.5), above + h + 15, "middle",
                   std::to_string(k));
  }
  const auto shown = [](const std::string& name, std::size_t some, std::size_t all) {
    return some == all ? name : name + format(" (%zu of %zu)", some, all);
  };
  svg += text_at(left + std::max(w, 120.0) / 2, above + h + 33, "middle",
                 shown(of_columns, columns, m.shape(1)));
  svg += upright_at(14, above + std::max(h, 80.0) / 2, shown(of_rows, rows, m.shape(0)));
  const double bar = left + std::max(w, 120.0) + 24;
  for (int i = 0; i < 10; ++i) {
    svg += format("<rect x='%.1f' y='%.1f' width='12' height='11' fill='%s'/>\n", bar,
                  above + 11 * i, color((4.5 - i) / 4.5).c_str());
  }
  svg += text_at(bar + 17, above + 9, "start", format("%.3g", full));
  svg += text_at(bar + 17, above + 60, "start", "0");
  svg += text_at(bar + 17, above + 110, "start", format("%.3g", -full));
  return svg + "</svg>\n";
}

std::string scatter(const std::vector<point>& points, const std::string& of_x,
                    const std::string& of_y) {
  double low_x = 0, high_x = 0, low_y = 0, high_y = 0;
  for (const point& p : points) {
    low_x = std::min(low_x, p.x);
    high_x = std::max(high_x, p.x);
    low_y = std::min(low_y, p.y);
    high_y = std::max(high_y, p.y);
  }
  const axis x = axis_over(low_x, high_x, left, left + width);
  const axis y = axis_over(low_y, high_y, above + height, above);
  std::string svg = opened(left + width + 20, above + height + bottom, of_y + " over " + of_x) +
                    drawn(x, y, of_x, of_y, true);
  for (const point& p : points) {
    svg += format("<circle class='%s' cx='%.1f' cy='%.1f' r='4.5'><title>",
                  p.strong ? "strong" : "weak", x.place(p.x), y.place(p.y)) +
           escaped(p.name) + "</title></circle>\n";
  }
  return svg + "</svg>\n";
}

std::string bars(const std::vector<double>& values, const std::string& of_x,
                 const std::string& of_y, double top, const std::vector<std::string>& names) {
  for (const double v : values) top = std::max(top, v);
  const axis x{0, static_cast<double>(std::max<std::size_t>(values.size(), 1)), left, left + width};
  const axis y = axis_over(0, top, above + height, above);
  std::string svg = opened(left + width + 20, above + height + bottom, of_y + " over " + of_x) +
                    drawn(x, y, of_x, of_y, false);
  const double step = width / x.to;
  std::size_t every = 1;
  while (static_cast<double>(every) * step < 28) ++every;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto at = static_cast<double>(i);
    svg += format("<rect class='bar' x='%.1f' y='%.1f' width='%.1f' height='%.1f'>",
                  x.place(at) + 0.1 * step, y.place(values[i]), 0.8 * step,
                  y.at_from - y.place(values[i]));
    svg += format("<title>%.4g</title></rect>\n", values[i]);
    if (i % every == 0) {
      svg += text_at(x.place(at + 0.5), y.at_from + 16, "middle",
                     names.empty() ? std::to_string(i) : names[i]);
    }
  }
  return svg + "</svg>\n";
}

std::string histogram(const std::vector<double>& shares, const std::string& of_x,
                      const std::string& of_y) {
  std::vector<double> counts(10);
  for (const double s : shares) {
    ++counts[static_cast<std::size_t>(std::clamp(std::floor(10 * s), 0.0, 9.0))];
  }
  std::vector<std::string> names;
  for (int i = 0; i < 10; ++i) names.push_back(format("%d-%d", 10 * i, 10 * i + 10));
  return bars(counts, of_x, of_y, 0, names);
}

std::string value_histogram(const std::vector<double>& values, const std::string& of_x,
                            const std::string& of_y) {
  double low = 0, high = 0;
  for (const double v : values) {
    low = std::min(low, v);
    high = std::max(high, v);
  }
  if (low == high) low = -1, high = 1;
  const double step = step_of((high - low) / 4);
  const auto first = static_cast<long>(std::floor(low / step));
  const auto last = static_cast<long>(std::floor(high / step)) + 1;
  std::vector<double> counts(static_cast<std::size_t>(last - first));
  for (const double v : values) {
    ++counts[static_cast<std::size_t>(static_cast<long>(std::floor(v / step)) - first)];
  }
  const axis x{step * static_cast<double>(first), step * static_cast<double>(last), left,
               left + width};
  const double most = *std::max_element(counts.begin(), counts.end());
  const axis y = axis_over(0, most, above + height, above);
  std::string svg = opened(left + width + 20, above + height + bottom, of_y + " over " + of_x) +
                    drawn(x, y, of_x, of_y, false);
  const double wide = width / static_cast<double>(last - first);
  long every = 1;
  while (static_cast<double>(every) * wide < 40) ++every;
  for (long i = first; i <= last; ++i) {
    const double from = step * static_cast<double>(i);
    if (i % every == 0) {
      svg += text_at(x.place(from), y.at_from + 16, "middle", format("%.4g", from));
    }
    if (i == last) break;
    const double count = counts[static_cast<std::size_t>(i - first)];
    svg += format("<rect class='bar%s' x='%.1f' y='%.1f' width='%.1f' height='%.1f'>",
                  i < 0 ? "" : " above", x.place(from) + 0.05 * wide, y.place(count), 0.9 * wide,
                  y.at_from - y.place(count));
    svg += format("<title>%.4g to %.4g: %.0f</title></rect>\n", from, from + step, count);
  }
  return svg + "</svg>\n";
}

}  // namespace examples

// A page of HTML out of sections, facts, figures and tables.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "inspect/figures.hpp"
#include "pair/print.hpp"

namespace examples {

class page {
 public:
  explicit page(const std::string& title, const std::string& below);

  void section(const std::string& id, const std::string& title, const std::string& about) {
    end_group();
    html_ += "<h2 id='" + id + "'>" + escaped(title) + "</h2>\n<p>" + escaped(about) + "</p>\n";
  }
  void part(const std::string& title) {
    end_group();
    html_ += "<h3>" + escaped(title) + "</h3>\n";
  }
  void line(const std::string& text) {
    end_group();
    html_ += "<p>" + escaped(text) + "</p>\n";
  }
  /// A number, and a sentence that says what it means and what to conclude.
  void fact(const std::string& name, const std::string& number, const std::string& sentence) {
    begin_group("facts");
    html_ += "<div class='fact'><span class='name'>" + escaped(name) + "</span><b>" +
             escaped(number) + "</b><p>" + escaped(sentence) + "</p></div>\n";
  }
  void figure(const std::string& svg, const std::string& caption) {
    begin_group("figures");
    html_ += "<figure>" + svg + "<figcaption>" + escaped(caption) + "</figcaption></figure>\n";
  }
  void table(const std::vector<std::vector<std::string>>& rows) {
    end_group();
    html_ += "<table>\n";
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const std::string cell = i == 0 ? "th" : "td";
      html_ += "<tr>";
      for (const auto& text : rows[i]) {
        html_.append("<").append(cell).append(">").append(escaped(text));
        html_.append("</").append(cell).append(">");
      }
      html_ += "</tr>\n";
    }
    html_ += "</table>\n";
  }
  std::string whole() {
    end_group();
    return html_ + "</body>\n</html>\n";
  }

 private:
  void begin_group(const std::string& kind) {
    if (group_ == kind) return;
    end_group();
    html_ += "<div class='" + kind + "'>\n";
    group_ = kind;
  }
  void end_group() {
    if (!group_.empty()) html_ += "</div>\n";
    group_.clear();
  }
  std::string html_, group_;
};

inline std::string percent(double share) { return format("%.3g%%", 100 * share); }

inline std::string of(std::size_t some, std::size_t all) { return format("%zu of %zu", some, all); }

/// What a network's parts are called.
struct units {
  std::string one, many;
};

inline std::string layer_text(std::size_t l) { return format(", hidden layer %zu", l); }

}  // namespace examples

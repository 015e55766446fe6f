// Rows that lie in another order than they have, with numbers between them that must not be read.
#pragma once

#include <cstddef>
#include <tutelage/core/scattered_rows.hpp>
#include <vector>

#include "support/framed.hpp"

namespace test {

template <class T>
class scattered {
 public:
  explicit scattered(const matrix<T>& m)
      : cols_(m.shape(1)), storage_(reversed(m), 3, not_a_number<T>) {
    for (std::size_t i = m.shape(0); i-- > 0;) pointers_.push_back(storage_.view().row(i).data());
  }

  template <std::size_t Cols = dynamic>
  [[nodiscard]] scattered_rows<T, Cols> view() const {
    return {pointers_, cols_};
  }

 private:
  static matrix<T> reversed(const matrix<T>& m) {
    auto result = m;
    for (std::size_t i = 0; i < m.shape(0); ++i) {
      for (std::size_t k = 0; k < m.shape(1); ++k) result(m.shape(0) - 1 - i, k) = m(i, k);
    }
    return result;
  }

  std::size_t cols_;
  framed<T> storage_;
  std::vector<const T*> pointers_;
};

}  // namespace test

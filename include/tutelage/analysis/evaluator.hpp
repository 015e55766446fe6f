// One evaluation after the other of students of one teacher:
//
//   const evaluator judge(teacher, data);                  // the teacher's side, once
//   const auto now = judge(student, mean_squared_error{});   // one pass of the student
//   now.loss, now.layers[0].best_rho(j)
//
// The numbers are those of mean_loss (train/evaluate.hpp), align (alignment.hpp) and accuracy, bit for
// bit; these pass over the samples three times, with the teacher beside the student once.
//
// Kept are the teacher's hidden activations less the means of their chunk, [N, m_l] of its scalar for
// each layer l < L (as many as positions and channels for images), and a few numbers a node and chunk.
// An evaluation needs a chunk of the student's activations besides, so that they stay in the cache.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <tutelage/analysis/alignment.hpp>
#include <tutelage/train/evaluate.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

/// What a student is at one time.
struct evaluation {
  double loss;                     // mean over the data set
  std::vector<alignment> layers;   // hidden ones, from the lowest
  std::optional<double> accuracy;  // share of right labels, where there are some
};

namespace detail {

// The hidden nodes of a teacher over one chunk of samples, measured and centered.
template <class Teacher>
class measured_chunk {
  using T = typename Teacher::value_type;

 public:
  measured_chunk(nodes_in_columns<Teacher>& nodes, const activations<Teacher>& kept) {
    for (std::size_t l = 1; l < Teacher::depth; ++l) {
      const auto f = nodes(kept, l);
      moments_.emplace_back(f.cols());
      moments_.back().measure(f, deviations_.emplace_back().reshape(f.rows(), f.cols()));
    }
  }

  [[nodiscard]] const node_moments<T>& moments(std::size_t l) const { return moments_[l - 1]; }
  [[nodiscard]] matrix_view<const T> deviations(std::size_t l) const {
    return deviations_[l - 1].view();
  }

 private:
  std::vector<node_moments<T>> moments_;  // of layers 1, ..., L-1
  std::vector<workspace<T>> deviations_;
};

}  // namespace detail

/// Evaluates students of a teacher on a data set; any number of threads may at a time. Both must
/// outlive it, and the teacher must stay as it is.
template <class Teacher, class Data>
class evaluator {
  using T = typename Teacher::value_type;

 public:
  /// `labels` are the samples' where accuracy is asked for. Throws shape_error when they are not as
  /// many as samples, argument_error for one that is no output's number, and as align does.
  evaluator(const Teacher& teacher, const Data& data, std::vector<label> labels = {})
      : teacher_(&teacher), data_(&data), samples_(data.size()), labels_(std::move(labels)) {
    detail::require_samples("evaluator", data);
    if (!labels_.empty() && labels_.size() != data.size()) {
      throw shape_error(
          detail::text("evaluator: ", labels_.size(), " labels for ", data.size(), " samples"));
    }
    for (std::size_t i = 0; i < labels_.size(); ++i) {
      if (labels_[i] >= teacher.out_width()) {
        throw argument_error(detail::text("evaluator: label ", labels_[i], " of sample ", i,
                                          ", expected one below ", teacher.out_width()));
      }
    }
    detail::nodes_in_columns<Teacher> nodes(teacher);
    for_each_forward(teacher, data.inputs(), [&](const auto&, std::size_t, const auto& kept) {
      chunks_.emplace_back(nodes, kept);
    });
  }
  evaluator(const Teacher&&, const Data&, std::vector<label> = {}) = delete;
  evaluator(const Teacher&, const Data&&, std::vector<label> = {}) = delete;

  /// Throws shape_error when teacher and student do not fit; argument_error when a loss or an
  /// activation is not finite, or there are fewer than 2 samples.
  template <class Student, class Loss>
  [[nodiscard]] evaluation operator()(const Student& student, const Loss& loss) const {
    if (data_->size() != samples_) {
      throw shape_error(detail::text("evaluator: the data set has ", data_->size(),
                                     " samples now, expected ", samples_));
    }
    alignment_accumulator<Teacher, Student> collected(*teacher_, student);
    detail::mean_over_chunks<T, Data, Loss> mean(*data_, loss);
    std::size_t right = 0;
    auto chunk = chunks_.begin();
    for_each_forward(student, data_->inputs(),
                     [&](const auto&, std::size_t first, const auto& kept) {
                       const matrix_view<const T> f = kept.template f<Student::depth>();
                       mean.add(f, first);
                       collected.add(*chunk++, kept);
                       if (!labels_.empty())
                         right += detail::count_right("evaluator", f, labels_, first);
                     });
    evaluation result{mean.result("evaluator"), collected.result(), {}};
    if (!labels_.empty()) {
      result.accuracy = static_cast<double>(right) / static_cast<double>(labels_.size());
    }
    return result;
  }

 private:
  const Teacher* teacher_;
  const Data* data_;
  std::size_t samples_;        // N
  std::vector<label> labels_;  // [N], or none
  std::vector<detail::measured_chunk<Teacher>> chunks_;
};

}  // namespace tutelage

// A certificate that works at real sizes: which samples near a teacher's boundary have a student's
// boundary nearby, proved by gradients alone. No eta, no mu, no counts of samples; any depth. From
// arXiv:1909.13458, Lemma 7, read backwards.
//
//   u        unit normal of teacher node j's boundary, w~*_j / |w~*_j|
//   x        a sample, at distance l from it; the segment x + t u, |t| <= h, with h > l
//   g_k(t)   gradient of student node k of the lowest layer on the segment; z_k its gate at x
//   alpha    V_k(x).V*_j(x) at layer 1; c* the teacher's slope, for the kink is the teacher's
//   c        z_k |alpha| |w~*_j| (1 - c*)
//   D        |g_k(h) + g_k(-h) - 2 g_k(0)|, at most 4 G if no gradient among the three exceeds G
//
// Claim. If no other teacher node's boundary crosses the segment, the gates above layer 1, of both
// networks, are the same at t = -h, h, 0 and at the foot on j's boundary, and c (h - l) > D, then
// the boundary of some student node, perhaps of k itself, crosses the segment: it is within h of x.
//
// Proof. Suppose none crosses. Then the student's layer 1 is affine on the segment and k's gate
// stays z_k; the teacher's layer 1 is affine but for node j, which bends at the foot. So what goes
// into layer 2 is affine on either side of the foot, equal signs at the ends of a piece are equal
// signs on it, layer 2's gates stay, and upwards likewise. Thus V_k and V*_j are constant and
// g_k = z_k V_k.(f* - f) is affine but for z_k alpha |w~*_j| gate*(a_j), whose second difference is
// c (h - l): D = c (h - l), a contradiction.
//
// h is chosen, not given: D depends on it. Every h is a test of its own, so the least that passes,
// of a grid from l to where another teacher's boundary lies, is proved, and so is the least over k.
// It is at most the grid's first h above l + 4 G(h) / c. If gradients are known to within
// +-noise only, D is to within 4 noise: c (h - l) > D + 4 noise proves the same. Rounding is noise
// of this kind and bounded by the sum of absolute values of all that is added.
//
// What is not proved: that it is one student for all samples. Which it is, the weights tell:
// share_of(k). Samples of teachers with one boundary prove nothing: each is in the other's way.
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <limits>
#include <numeric>
#include <optional>
#include <span>
#include <type_traits>

#include <tutelage/analysis/recovery/lowest_gradients.hpp>
#include <tutelage/analysis/weight_alignment.hpp>
#include <tutelage/data/inputs.hpp>
#include <tutelage/gradient/rule.hpp>
#include <tutelage/model/network.hpp>
#include <tutelage/model/network_cast.hpp>
#include <tutelage/model/regular_weights.hpp>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

/// How hard local_certificates() looks. All lengths are the inputs' own.
struct local_search {
  std::size_t samples = 256;  // nearest to each teacher's boundary: its band
  std::size_t moves = 32;     // h = l + (clear - l) / 2^(i/2), i = 0, ..., moves - 1
  double noise = 0;           // gradients are known to within so much, absolute
};

/// A student's boundary is within h of a sample in a teacher's band.
struct local_proof {
  std::size_t sample = 0;    // row of the inputs
  std::size_t observer = 0;  // the student whose gradient proves it
  double l = 0;              // distance to the teacher's boundary
  double h = 0;              // proved: some student's boundary crosses x + t u, |t| <= h
  double margin = 0;         // c (h - l) less D and noise, positive
  double distance = 0;       // seen on the weights: of the nearest student boundary that crosses
};

/// What gradients prove of one teacher node of the lowest layer.
struct local_certificate {
  std::size_t teacher = 0;
  double width = 0;                 // the band: its samples' largest distance to the boundary
  std::size_t samples = 0;          // in the band
  std::vector<local_proof> proofs;  // nearest bound first, one a sample at most
  std::vector<double> shares;  // [n_1], of the band, proved, that the student's boundary crosses

  /// Is any sample proved to have a student's boundary nearby?
  [[nodiscard]] bool holds() const noexcept { return !proofs.empty(); }

  /// The share of the band that is proved.
  [[nodiscard]] double share() const noexcept {
    return samples == 0 ? 0 : static_cast<double>(proofs.size()) / static_cast<double>(samples);
  }

  /// The share of the band that student k covers. Throws shape_error for no node's number.
  [[nodiscard]] double share_of(std::size_t k) const {
    if (k >= shares.size()) {
      throw shape_error(detail::text("share_of: node ", k, ", expected one below ", shares.size()));
    }
    return shares[k];
  }

  /// The student that covers most; none where nothing is proved.
  [[nodiscard]] std::optional<std::size_t> student() const {
    const auto best = std::max_element(shares.begin(), shares.end());
    if (best == shares.end() || *best == 0) return std::nullopt;
    return static_cast<std::size_t>(best - shares.begin());
  }

  /// The least h that is proved for the share q of the band; infinite when fewer are. Throws
  /// argument_error unless q is in [0, 1].
  [[nodiscard]] double quantile(double q) const {
    if (!(q >= 0 && q <= 1)) {
      throw argument_error(detail::text("quantile: ", q, ", expected one in [0, 1]"));
    }
    const auto rank = static_cast<std::size_t>(std::ceil(q * static_cast<double>(samples)));
    const std::size_t i = std::max<std::size_t>(rank, 1) - 1;
    return i < proofs.size() ? proofs[i].h : std::numeric_limits<double>::infinity();
  }
};

namespace detail {

template <class Teacher, class Student>
class local_certifier {
  using U = typename Student::value_type;
  static constexpr double infinity = std::numeric_limits<double>::infinity();

 public:
  local_certifier(const Teacher& teacher, const Student& student, const local_search& search)
      : w_star_(make_regular(teacher.template layer<1>())),
        w_(make_regular(student.template layer<1>())),
        norms_(fan_in_norms(teacher.template layer<1>())),
        kink_(1 - teacher.template layer<1>().gate().slope()),
        bends_(student.template layer<1>().gate().slope() < 1),
        search_(search),
        student_(student),
        rule_(teacher, student),
        gradients_(teacher, student) {}

  // Tries to prove that a student's boundary is near sample x of j's band.
  std::optional<local_proof> prove(std::size_t j, std::span<const U> x, double reach) {
    const auto u = w_star_.direction(j);
    const std::size_t d = x.size();
    const U s = line_to_boundary<U>(w_star_, j, x, u).distance;
    const auto l = static_cast<double>(std::abs(s));
    const double clear =
        std::min(reach, clear_length<U>(w_star_, x, u, [&](std::size_t i) { return i == j; }));
    if (!(clear > l)) return std::nullopt;

    // x, the foot, then both ends of every segment.
    const std::size_t count = 2 + 2 * search_.moves;
    const auto points = points_.reshape(count, d);
    const auto length = [&](std::size_t i) {
      return l + (clear - l) * std::exp2(-0.5 * static_cast<double>(i));
    };
    const auto put = [&](std::size_t row, U t) {
      for (std::size_t v = 0; v < d; ++v) points(row, v) = x[v] + t * static_cast<U>(u[v]);
    };
    put(0, 0);
    put(1, -s);
    for (std::size_t i = 0; i < search_.moves; ++i) {
      put(2 + 2 * i, static_cast<U>(length(i)));
      put(3 + 2 * i, -static_cast<U>(length(i)));
    }
    const auto absolute = absolute_.reshape(1, d);
    for (std::size_t v = 0; v < d; ++v) {
      absolute(0, v) = std::abs(x[v]) + static_cast<U>(clear * std::abs(u[v]));
    }
    const auto rounding = gradients_.rounding(matrix_view<const U>(absolute));
    rule_.evaluate(matrix_view<const U>(points).middle_rows(0, 1));
    const auto A = rule_.template A<1>(0);
    const auto f = rule_.student_activations().template f<1>();
    const auto& gate = student_.template layer<1>().gate();
    const auto g = gradients_(matrix_view<const U>(points));

    std::optional<local_proof> best;
    for (std::size_t i = 0; i < search_.moves; ++i) {
      const std::size_t plus = 2 + 2 * i, minus = plus + 1;
      const double h = length(i);
      if (!(h > l)) break;
      if (!gradients_.equal_gates(0, 1) || !gradients_.equal_gates(0, plus) ||
          !gradients_.equal_gates(0, minus)) {
        continue;
      }
      for (std::size_t k = 0; k < g.cols(); ++k) {
        const auto z = static_cast<double>(gate.factor(f(0, k)));
        const double c = z * std::abs(static_cast<double>(A(k, j))) * norms_[j] * kink_;
        const auto D = static_cast<double>(std::abs(g(plus, k) + g(minus, k) - 2 * g(0, k)));
        const double margin = c * (h - l) - D - 4 * search_.noise - rounding[k];
        if (!(margin > 0) || !std::isfinite(margin)) continue;
        // Of one h, the observer that proves most.
        if (best && best->h == h && best->margin >= margin) continue;
        best = local_proof{0, k, l, h, margin, infinity};
      }
    }
    return best;
  }

  // Adds to `shares` the students whose boundaries cross the segment of a proof.
  void find_crossing(std::size_t j, std::span<const U> x, local_proof& proof,
                     std::vector<double>& shares) const {
    const auto u = w_star_.direction(j);
    double size = 0;
    for (const U v : x) size += static_cast<double>(std::abs(v));
    for (std::size_t k = 0; k < w_.nodes(); ++k) {
      if (!bends_ || !w_.has_boundary(k)) continue;
      const line_to_boundary<U> line(w_, k, x, u);
      const auto distance = static_cast<double>(std::abs(line.distance));
      const double rounding = 4 * static_cast<double>(x.size() + 4) *
                              std::numeric_limits<double>::epsilon() *
                              (size + proof.h + std::abs(w_.bias[k]));
      if (!(distance <= proof.h * std::abs(static_cast<double>(line.cosine)) + rounding)) continue;
      shares[k] += 1;
      proof.distance = std::min(proof.distance, distance);
    }
  }

  [[nodiscard]] const regular_weights& teachers() const noexcept { return w_star_; }
  [[nodiscard]] const regular_weights& students() const noexcept { return w_; }

 private:
  regular_weights w_star_, w_;
  std::vector<double> norms_;  // |w~*_j|
  double kink_;                // 1 - c*
  bool bends_;                 // the student's gates have kinks
  local_search search_;
  const Student& student_;
  gradient_rule<Teacher, Student> rule_;
  lowest_gradients<Teacher, Student> gradients_;
  workspace<U> points_, absolute_;
};

}  // namespace detail

/// What gradients prove of every teacher node of the lowest layer, over the samples nearest to its
/// boundary. Computed in double at least. Gates above the lowest layer may be any. Throws
/// shape_error when networks and inputs do not fit or there is no input, argument_error for a
/// search of no samples or moves, for noise that is negative, and for weights or samples that are
/// not finite.
template <class Teacher, class Student, class Inputs>
std::vector<local_certificate> local_certificates(const Teacher& teacher, const Student& student,
                                                  const Inputs& inputs,
                                                  const local_search& search = {}) {
  using T = typename Student::value_type;
  static_assert(real_scalar<T> && std::same_as<T, typename Teacher::value_type>,
                "local_certificates: teacher and student have different scalars; see network_cast");
  static_assert(Teacher::depth >= 2 && Teacher::depth == Student::depth,
                "local_certificates: networks of equal depth, 2 layers at least");
  static_assert(
      std::same_as<typename Teacher::template layer_type<Teacher::depth>::gate_type, identity> &&
          std::same_as<typename Student::template layer_type<Student::depth>::gate_type, identity>,
      "local_certificates: the top layers have no gate");
  using U = std::common_type_t<T, double>;
  const auto& rows = as_rows(inputs);
  if (search.samples == 0 || search.moves == 0 || !(search.noise >= 0) ||
      !std::isfinite(search.noise)) {
    throw argument_error(detail::text("local_certificates: ", search.samples, " samples, ",
                                      search.moves, " moves, noise ", search.noise,
                                      ", expected at least 1, 1 and 0"));
  }
  if (rows.rows() == 0 || rows.cols() != student.in_width()) {
    throw shape_error(detail::text("local_certificates: inputs are ",
                                   shape_text(rows.rows(), rows.cols()), ", expected ",
                                   student.in_width(), " columns and at least 1 row"));
  }
  if (teacher.in_width() != student.in_width() || teacher.out_width() != student.out_width()) {
    throw shape_error("local_certificates: teacher and student have different inputs or outputs");
  }
  const auto finite = [](const auto& l, std::size_t) {
    detail::require_finite_weights("local_certificates", l);
  };
  teacher.for_each_layer(finite);
  student.for_each_layer(finite);

  const auto wide_teacher = network_cast<U>(teacher);
  const auto wide_student = network_cast<U>(student);
  detail::local_certifier certifier(wide_teacher, wide_student, search);
  const auto& w_star = certifier.teachers();
  const std::size_t N = rows.rows(), m = w_star.nodes();
  auto distances = make_matrix<T>(m, N);
  boundary_distances<T> distances_of(teacher.template layer<1>());
  for_each_chunk(inputs, [&](matrix_view<const T> x, std::size_t first) {
    const auto a = distances_of(x);
    for (std::size_t i = 0; i < a.rows(); ++i) {
      for (std::size_t j = 0; j < m; ++j) distances(j, first + i) = std::abs(a(i, j));
    }
  });

  std::vector<local_certificate> result(m);
  std::vector<std::size_t> order(N);
  for (std::size_t j = 0; j < m; ++j) {
    local_certificate& certificate = result[j];
    certificate.teacher = j;
    certificate.shares.resize(certifier.students().nodes());
    if (!w_star.has_boundary(j)) continue;
    const auto to_j = matrix_view<const T>(distances).row(j);
    std::iota(order.begin(), order.end(), std::size_t{0});
    const std::size_t band = std::min(N, search.samples);
    std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(band), order.end(),
                      [&](std::size_t a, std::size_t b) {
                        return to_j[a] < to_j[b] || (to_j[a] == to_j[b] && a < b);
                      });
    const std::span<const std::size_t> nearest(order.data(), band);
    certificate.samples = band;
    certificate.width = static_cast<double>(to_j[nearest.back()]);
    // No move is longer than the samples reach.
    const auto reach = static_cast<double>(*std::max_element(to_j.begin(), to_j.end()));
    auto chosen = make_matrix<T>(band, rows.cols());
    gather(rows, nearest, matrix_view<T>(chosen));
    std::vector<U> x(rows.cols());
    for (std::size_t i = 0; i < band; ++i) {
      std::copy_n(matrix_view<const T>(chosen).row(i).begin(), x.size(), x.begin());
      auto proof = certifier.prove(j, x, reach);
      if (!proof) continue;
      proof->sample = nearest[i];
      certifier.find_crossing(j, x, *proof, certificate.shares);
      certificate.proofs.push_back(*proof);
    }
    for (double& share : certificate.shares) share /= static_cast<double>(band);
    std::sort(certificate.proofs.begin(), certificate.proofs.end(),
              [](const local_proof& a, const local_proof& b) {
                return a.h < b.h || (a.h == b.h && a.sample < b.sample);
              });
  }
  return result;
}

}  // namespace tutelage

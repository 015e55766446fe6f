// Cramer's determinants of many direction sets: det M and all det M_i, from the directions on.
// Beside ours, what a user would write: a factorization a set with Eigen, and m + 1 determinants a
// set. peers/determinants.py does both with NumPy's batched routines.
#include <memory>
#include <numbers>

#include <Eigen/Dense>
#include <tutelage/theory/angular/cramer.hpp>
#include <tutelage/theory/angular/direction_sets.hpp>

#include "support.hpp"

namespace {

using namespace bench;

constexpr std::size_t sets = 10'000;

// Of one factorization and solution a set.
double flops(std::size_t m) {
  const auto n = static_cast<double>(m);
  return static_cast<double>(sets) * (2 * n * n * n / 3 + 2 * n * n);
}

struct problem {
  matrix<double> theta, replaced;
  std::vector<double> det;

  explicit problem(std::size_t m)
      : theta(make_matrix<double>(sets, m)), replaced(make_matrix<double>(sets, m)), det(sets) {
    stream random(1, purpose::analysis, m);
    random.fill_uniform(std::span(theta.data(), theta.size()), 0, 2 * std::numbers::pi);
  }
};

struct eigen_system {
  Eigen::MatrixXd M;
  Eigen::VectorXd b;
};

// M and b of one set.
void build(const double* theta, std::size_t m, eigen_system& s) {
  const arc_cosine<1> f;
  const auto value = [&](double x, double y) {
    const double d = std::abs(x - y), t = std::min(d, 2 * std::numbers::pi - d);
    return f.on_circle(angle_on_circle<double>{t, std::sin(t), std::cos(t)});
  };
  const auto size = static_cast<Eigen::Index>(m);
  s.M.resize(size, size);
  s.b.resize(size);
  for (Eigen::Index i = 0; i < size; ++i) {
    for (Eigen::Index j = 0; j < size; ++j) s.M(i, j) = value(theta[i], theta[j]);
    s.b[i] = value(theta[i], 0);
  }
}

template <class OneSet>
void add_one(const std::string& implementation, std::size_t m, const OneSet& one_set) {
  add(name("determinants", "double", "m=" + number(m), implementation), flops(m), [=] {
    return [m, one_set, p = std::make_shared<problem>(m), s = std::make_shared<eigen_system>()] {
      for (std::size_t n = 0; n < sets; ++n) {
        build(&p->theta(n, 0), m, *s);
        one_set(*s, p->det[n], &p->replaced(n, 0));
      }
      benchmark::ClobberMemory();
    };
  });
}

void add_size(std::size_t m) {
  add(name("determinants", "double", "m=" + number(m), "tutelage"), flops(m), [=] {
    return [p = std::make_shared<problem>(m)] {
      direction_set_determinants(arc_cosine<1>{}, p->theta, p->det, p->replaced);
      benchmark::ClobberMemory();
    };
  });
  add(name("determinants", "double", "m=" + number(m), "cramer, a set"), flops(m), [=] {
    return [m, p = std::make_shared<problem>(m), a = std::make_shared<angular_matrices<double>>(),
            c = std::make_shared<cramer_determinants<double>>()] {
      for (std::size_t n = 0; n < sets; ++n) {
        a->compute(arc_cosine<1>{}, std::span<const double>(&p->theta(n, 0), m));
        c->compute(a->M, a->b);
        p->det[n] = c->min_replaced();
      }
      benchmark::ClobberMemory();
    };
  });
  add_one("Eigen, one LU", m, [](const eigen_system& s, double& det, double* replaced) {
    const Eigen::PartialPivLU<Eigen::MatrixXd> lu(s.M);
    det = lu.determinant();
    Eigen::Map<Eigen::VectorXd>(replaced, s.b.size()) = det * lu.solve(s.b);
  });
  add_one("Eigen, m+1 determinants", m, [](const eigen_system& s, double& det, double* replaced) {
    det = s.M.determinant();
    for (Eigen::Index i = 0; i < s.b.size(); ++i) {
      Eigen::MatrixXd M = s.M;
      M.col(i) = s.b;
      replaced[i] = M.determinant();
    }
  });
}

}  // namespace

int main(int argc, char** argv) {
  for (const std::size_t m : {3U, 6U, 9U, 16U}) add_size(m);
  return bench::run(argc, argv);
}

// Gradient flow on a population loss: d parameters / dt = descent direction, with and without
// biases, free or projected (see descent.hpp).
//
// Boost.Odeint's adaptive Runge-Kutta pair of Dormand and Prince (orders 5 and 4). Nothing here has a
// unit: errors are compared with the largest number of the start, times with the field's own,
//
//   rate = max(|x'|, |x'(moved x) - x'(x)| / 0.01) / |x|        numbers moved by +-1% of themselves
//
// by largest numbers, |x| that of the start if x is smaller. It is 0 where nothing moves.
#pragma once

#include <algorithm>
#include <boost/numeric/odeint/stepper/controlled_runge_kutta.hpp>
#include <boost/numeric/odeint/stepper/generation/generation_controlled_runge_kutta.hpp>
#include <boost/numeric/odeint/stepper/generation/generation_runge_kutta_dopri5.hpp>
#include <boost/numeric/odeint/stepper/generation/make_controlled.hpp>
#include <boost/numeric/odeint/stepper/runge_kutta_dopri5.hpp>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <utility>

#include <tutelage/theory/population/descent.hpp>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

/// An autonomous differential equation that is followed step by step: x' = velocity(x).
template <real_scalar T, class Velocity>
class adaptive_flow {
 public:
  /// `tolerance` bounds each step's error, relative to a number and to the largest one of the start.
  /// Throws argument_error unless it is positive, and when a number of the start or its velocity is
  /// not finite.
  adaptive_flow(std::vector<T> start, Velocity velocity, T tolerance)
      : x_(std::move(start)),
        velocity_(std::move(velocity)),
        stepper_(boost::numeric::odeint::make_controlled<stepper>(
            largest(x_) > 0 ? tolerance * largest(x_) : tolerance, tolerance)),
        least_(std::min(10000 * tolerance, T(1e-5))) {
    if (!(tolerance > 0)) {
      throw argument_error(
          detail::text("adaptive_flow: tolerance ", tolerance, ", expected a positive number"));
    }
    if (!is_finite(x_)) {
      throw argument_error("adaptive_flow: the start is not finite, expected numbers");
    }
    std::vector<T> dx(x_.size());
    velocity_(std::span<const T>(x_), std::span<T>(dx));
    if (!is_finite(dx)) {
      throw argument_error("adaptive_flow: the velocity of the start is not finite");
    }
    unit_ = largest(x_);
    if (const T now = rate(); now > 0) size_ = first / now;
  }

  [[nodiscard]] T time() const noexcept { return time_; }
  [[nodiscard]] const std::vector<T>& position() const noexcept { return x_; }
  /// Steps taken so far.
  [[nodiscard]] std::size_t steps() const noexcept { return steps_; }

  /// One step of the size that the tolerance allows.
  void step() { step_to(std::numeric_limits<T>::infinity()); }

  /// Steps until the time is `until` exactly. Throws argument_error when that is in the past, or
  /// when steps become smaller than 10^4 tolerances (or 1e-5) over the field's rate, or than the
  /// time's last digit: the velocity jumps, grows without bound or is not finite. (The gradient of a
  /// node that shrinks to zero jumps there.)
  void advance(T until) {
    if (!(until >= time_)) {
      throw argument_error(detail::text("adaptive_flow: until ", until, ", the time is ", time_));
    }
    while (time_ < until) step_to(until);
  }

 private:
  using stepper = boost::numeric::odeint::runge_kutta_dopri5<std::vector<T>, T>;

  static constexpr T first = T(1e-3);  // step, over the rate

  static T largest(const std::vector<T>& x) {
    T result = 0;
    for (const T e : x) result = std::max(result, std::abs(e));
    return result;
  }
  static bool is_finite(std::span<const T> x) {
    return std::all_of(x.begin(), x.end(), [](T e) { return std::isfinite(e); });
  }

  // Of a field that does not jump at x: a node that vanishes moves by part of itself only.
  T rate() {
    constexpr T part = T(0.01);
    const T size = std::max(unit_, largest(x_));
    if (size == 0) return 0;
    std::vector<T> moved(x_), here(x_.size()), there(x_.size());
    for (std::size_t i = 0; i < moved.size(); ++i) moved[i] *= i % 3 == 0 ? 1 - part : 1 + part;
    velocity_(std::span<const T>(x_), std::span<T>(here));
    velocity_(std::span<const T>(moved), std::span<T>(there));
    for (std::size_t i = 0; i < here.size(); ++i) there[i] -= here[i];
    const T bend = is_finite(there) ? largest(there) / part : T(0);
    return std::max(largest(here), bend) / size;
  }

  bool is_too_small(T size) {
    const T now = rate();
    return now > 0 && !(size * now >= least_);
  }

  void step_to(T until) {
    using boost::numeric::odeint::success;
    bool finite = true;
    const auto system = [&](const std::vector<T>& x, std::vector<T>& dx, T /*time*/) {
      // A network with weights that are no numbers has no velocity.
      finite = finite && is_finite(x);
      if (finite) velocity_(std::span<const T>(x), std::span<T>(dx));
      finite = finite && is_finite(dx);
      if (!finite) std::fill(dx.begin(), dx.end(), T(0));
    };
    for (;;) {
      const bool last = time_ + size_ >= until;
      const T tried = last ? until - time_ : size_;
      T time = time_, size = tried;
      before_ = x_;
      finite = true;
      bool done = stepper_.try_step(system, x_, time, size) == success;
      if (!finite || !is_finite(x_)) {  // the error of what is no number is none
        x_ = before_;
        stepper_.reset();
        size = tried / 8;
        done = false;
      }
      if (!last || !done) size_ = size;
      if (!done && (is_too_small(size_) || !(time_ + size_ > time_))) {
        throw argument_error(
            detail::text("adaptive_flow: no step is small enough at time ", time_));
      }
      if (done) {
        time_ = last ? until : time;
        ++steps_;
        return;
      }
    }
  }

  std::vector<T> x_, before_;
  Velocity velocity_;
  typename boost::numeric::odeint::result_of::make_controlled<stepper>::type stepper_;
  T least_;  // step, over the rate: where the velocity jumps, some hundred tolerances over the jump
  T unit_ = 0;
  T time_ = 0;
  T size_ = T(1);
  std::size_t steps_ = 0;
};

/// The flow of a student. It owns a copy of the student; the loss must outlive it.
template <class FanOut, class Motion, class Loss, class Student>
class gradient_flow {
  using T = typename Student::value_type;

 public:
  gradient_flow(Loss& loss, const Student& student, T tolerance = T(1e-10))
      : loss_(&loss), student_(student), flow_(parameters(student), velocity{this}, tolerance) {}
  gradient_flow(const gradient_flow&) = delete;
  gradient_flow& operator=(const gradient_flow&) = delete;

  [[nodiscard]] T time() const noexcept { return flow_.time(); }
  [[nodiscard]] std::size_t steps() const noexcept { return flow_.steps(); }
  /// The student at this time.
  [[nodiscard]] const Student& student() {
    place(flow_.position());
    return student_;
  }
  /// Its loss.
  [[nodiscard]] T loss() { return loss_->loss(student()); }

  /// See adaptive_flow.
  void step() { flow_.step(); }
  void advance(T until) { flow_.advance(until); }

 private:
  struct velocity {
    gradient_flow* of;
    void operator()(std::span<const T> x, std::span<T> dx) const {
      of->place(x);
      descent_direction<Motion>(*of->loss_, of->student_, of->found_);
      read_parameters<FanOut>(of->found_, dx);
    }
  };

  static std::vector<T> parameters(const Student& student) {
    std::vector<T> result(parameter_count<FanOut>(student));
    read_parameters<FanOut>(student, std::span<T>(result));
    return result;
  }
  void place(std::span<const T> x) { write_parameters<FanOut>(x, student_); }

  Loss* loss_;
  Student student_;
  gradients<Student> found_;
  adaptive_flow<T, velocity> flow_;
};

/// flow_of<fixed_fan_out, projected_motion>(loss, student): a gradient_flow of these.
template <class FanOut = trained_fan_out, class Motion = free_motion, class Loss, class Student>
gradient_flow<FanOut, Motion, Loss, Student> flow_of(
    Loss& loss, const Student& student, typename Student::value_type tolerance = 1e-10) {
  return {loss, student, tolerance};
}

}  // namespace tutelage

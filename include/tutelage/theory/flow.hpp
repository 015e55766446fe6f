// Gradient flow on a population loss: d parameters / dt = descent direction, with and without
// biases, free or projected (see descent.hpp).
//
// Boost.Odeint's adaptive Runge-Kutta pair of Dormand and Prince (orders 5 and 4).
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

#include <tutelage/theory/descent.hpp>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

/// An autonomous differential equation that is followed step by step: x' = velocity(x).
template <real_scalar T, class Velocity>
class adaptive_flow {
 public:
  /// `tolerance` bounds each step's error, absolute and relative. Throws argument_error unless it
  /// is positive.
  adaptive_flow(std::vector<T> start, Velocity velocity, T tolerance)
      : x_(std::move(start)),
        velocity_(std::move(velocity)),
        stepper_(boost::numeric::odeint::make_controlled<stepper>(tolerance, tolerance)),
        smallest_(std::min(10000 * tolerance, T(1e-5))) {
    if (!(tolerance > 0)) {
      throw argument_error(
          detail::text("adaptive_flow: tolerance ", tolerance, ", expected a positive number"));
    }
  }

  [[nodiscard]] T time() const noexcept { return time_; }
  [[nodiscard]] const std::vector<T>& position() const noexcept { return x_; }
  /// Steps taken so far.
  [[nodiscard]] std::size_t steps() const noexcept { return steps_; }

  /// One step of the size that the tolerance allows.
  void step() { step_to(std::numeric_limits<T>::infinity()); }

  /// Steps until the time is `until` exactly. Throws argument_error when that is in the past, or
  /// when steps become smaller than 10^4 tolerances (or 1e-5): the velocity jumps, grows without
  /// bound or is not finite. (The gradient of a node that shrinks to zero jumps there.)
  void advance(T until) {
    if (!(until >= time_)) {
      throw argument_error(detail::text("adaptive_flow: until ", until, ", the time is ", time_));
    }
    while (time_ < until) step_to(until);
  }

 private:
  using stepper = boost::numeric::odeint::runge_kutta_dopri5<std::vector<T>, T>;

  void step_to(T until) {
    using boost::numeric::odeint::success;
    const auto system = [this](const std::vector<T>& x, std::vector<T>& dx, T /*time*/) {
      velocity_(std::span<const T>(x), std::span<T>(dx));
    };
    for (;;) {
      const bool last = time_ + size_ >= until;
      T time = time_, size = last ? until - time_ : size_;
      before_ = x_;
      bool done = stepper_.try_step(system, x_, time, size) == success;
      if (done && !std::all_of(x_.begin(), x_.end(), [](T x) { return std::isfinite(x); })) {
        x_ = before_;  // an error estimate that is no number passes as small
        stepper_.reset();
        size = (last ? until - time_ : size_) / 8;
        done = false;
      }
      if (!last || !done) size_ = size;
      if (!(size_ >= smallest_)) {
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
  T smallest_;  // where the velocity jumps, steps are some hundred tolerances over the jump
  T time_ = 0;
  T size_ = T(1e-3);
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

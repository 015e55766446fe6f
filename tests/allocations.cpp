// No allocation in a forward pass, a backward pass, a training step or the gradient rule after the
// first at a batch size. Counts operator new and the C library's functions that hand out memory.
#include <dlfcn.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <complex>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <tutelage/theory/angular/cramer.hpp>
#include <tutelage/theory/angular/direction_sets.hpp>
#include <tutelage/theory/population/biased_population.hpp>
#include <tutelage/theory/population/linear_fit.hpp>
#include <tutelage/theory/population/online.hpp>
#include <tutelage/theory/population/population_hessian.hpp>
#include <tutelage/tutelage.hpp>
#include <vector>

#include "support/random.hpp"

namespace {

std::atomic<bool> counting = false;
std::atomic<std::size_t> allocations = 0;
std::atomic<std::size_t> blas_allocations = 0;

// What BLAS itself takes is not ours and counted apart: OpenBLAS 0.3.21's AVX-512 kernels for small
// products take a buffer at each call.
void count(const void* caller) {
  if (!counting) return;
  Dl_info from{};
  const bool blas = ::dladdr(caller, &from) != 0 && from.dli_fname != nullptr &&
                    std::string_view(from.dli_fname).find("blas") != std::string_view::npos;
  ++(blas ? blas_allocations : allocations);
}

}  // namespace

// In place of the C library's, for the whole program. glibc's own lie under these names.
extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);

[[gnu::noinline]] void* malloc(std::size_t size) {
  count(__builtin_return_address(0));
  return __libc_malloc(size);
}
[[gnu::noinline]] void* calloc(std::size_t number, std::size_t size) {
  count(__builtin_return_address(0));
  return __libc_calloc(number, size);
}
[[gnu::noinline]] void* realloc(void* old, std::size_t size) {
  count(__builtin_return_address(0));
  return __libc_realloc(old, size);
}
[[gnu::noinline]] void* memalign(std::size_t alignment, std::size_t size) {
  count(__builtin_return_address(0));
  return __libc_memalign(alignment, size);
}
[[gnu::noinline]] void* aligned_alloc(std::size_t alignment, std::size_t size) {
  count(__builtin_return_address(0));
  return __libc_memalign(alignment, size);
}
[[gnu::noinline]] int posix_memalign(void** result, std::size_t alignment, std::size_t size) {
  count(__builtin_return_address(0));
  *result = __libc_memalign(alignment, size);
  return *result == nullptr ? ENOMEM : 0;
}
}

[[gnu::noinline]] void* operator new(std::size_t size) {
  count(__builtin_return_address(0));
  if (void* const result = __libc_malloc(size == 0 ? 1 : size)) return result;
  throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new(std::size_t size, std::align_val_t alignment) {
  count(__builtin_return_address(0));
  if (void* const p = __libc_memalign(static_cast<std::size_t>(alignment), size)) return p;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t, std::align_val_t) noexcept {
  std::free(p);
}

namespace {

using namespace test;

int failures = 0;

// Allocations that a call makes.
template <class Call>
std::size_t allocations_of(Call&& call) {
  const std::size_t before = allocations;
  counting = true;
  call();
  counting = false;
  return allocations - before;
}

void expect(bool right, const char* what, std::size_t counted) {
  if (right) return;
  ++failures;
  std::printf("FAILED: %s: %zu allocations\n", what, counted);
}

void expect_none(const char* what, std::size_t counted) { expect(counted == 0, what, counted); }
void expect_some(const char* what, std::size_t counted) { expect(counted > 0, what, counted); }

// Does the counter count? Each way to memory, by what it is for.
void check_counter() {
  const auto observe = [](const void* p) { asm volatile("" : : "g"(p) : "memory"); };
  expect_some("std::vector", allocations_of([&] { observe(std::vector<int>(100).data()); }));
  expect_some("make_matrix", allocations_of([&] { observe(make_matrix<double>(3, 3).data()); }));
  expect_some("workspace", allocations_of([&] {
                workspace<float> w;
                observe(w.reshape(1, 1).data());
              }));
  const auto free_of = [&](void* p) {
    observe(p);
    std::free(p);
  };
  expect_some("malloc", allocations_of([&] { free_of(std::malloc(10)); }));
  expect_some("calloc", allocations_of([&] { free_of(std::calloc(10, 1)); }));
  expect_some("realloc", allocations_of([&] { free_of(std::realloc(nullptr, 10)); }));
  expect_some("aligned_alloc", allocations_of([&] { free_of(std::aligned_alloc(64, 64)); }));
  struct alignas(64) line {
    char bytes[64];
  };
  expect_some("new of a cache line", allocations_of([&] {
                const auto p = std::make_unique<line>();
                observe(p.get());
              }));
  expect_none("nothing", allocations_of([] {}));
}

// Smaller batches after larger ones, and back: the first is the largest.
constexpr std::array<std::size_t, 7> batches{64, 64, 1, 17, 64, 2, 63};

template <class Network>
void check_passes(Network net, const char* what) {
  using T = typename Network::value_type;
  auto random = random_stream(1);
  randomize(net, random);
  const auto x = random_matrix<T>(batches[0], net.in_width(), random);
  const auto grad_out = random_matrix<T>(batches[0], net.out_width(), random);
  activations<Network> kept;
  gradients<Network> found;
  bool first = true;
  for (const std::size_t N : batches) {
    const auto x_N = matrix_view(x).middle_rows(0, N);
    const auto forward = allocations_of([&] { net.forward(x_N, kept); });
    const auto backward = allocations_of(
        [&] { net.backward(x_N, kept, matrix_view(grad_out).middle_rows(0, N), found); });
    const auto text = [&](const char* pass) {
      return std::string(what) + ", " + pass + ", batch " + std::to_string(N);
    };
    if (first) {
      expect_some(text("first forward").c_str(), forward);
      expect_some(text("first backward").c_str(), backward);
    } else {
      expect_none(text("forward").c_str(), forward);
      expect_none(text("backward").c_str(), backward);
    }
    first = false;
  }
}

template <class Network>
void check_rule(Network teacher, Network student, const std::string& what) {
  using T = typename Network::value_type;
  auto random = random_stream(3);
  randomize(teacher, random);
  randomize(student, random);
  const auto x = random_matrix<T>(batches[0], student.in_width(), random);
  gradient_rule<Network, Network> rule(teacher, student);
  const auto evaluate = [&](std::size_t N) {
    rule.evaluate(matrix_view(x).middle_rows(0, N));
    rule.template A<1>(0);
    rule.template B<1>(0);
    rule.template g<1>();
  };
  const auto first_rule = allocations_of([&] { evaluate(batches[0]); });
  expect_some((what + ", first rule").c_str(), first_rule);
  expectation_accumulator<Network, Network> collected(teacher, student, {.block = 20, .chunk = 3});
  const auto first_add = allocations_of([&] { collected.add(x); });
  expect_some((what + ", first expectations").c_str(), first_add);
  for (const std::size_t N : batches) {
    expect_none((what + ", rule of " + std::to_string(N)).c_str(),
                allocations_of([&] { evaluate(N); }));
    expect_none((what + ", expectations of " + std::to_string(N)).c_str(),
                allocations_of([&] { collected.add(matrix_view(x).middle_rows(0, N)); }));
  }
}

template <class Network, class Loss, class Targets, class Optimizer>
void check_steps(Network& net, const matrix<typename Network::value_type>& x, const Loss& loss,
                 const Targets& targets_of, const Optimizer& optimizer, const std::string& what) {
  trainer<Network, Loss, Optimizer> learning(net, loss, optimizer);
  bool first = true;
  for (const std::size_t N : batches) {
    const auto counted =
        allocations_of([&] { learning.step(matrix_view(x).middle_rows(0, N), targets_of(N)); });
    if (first) {
      expect_some((what + ", first step").c_str(), counted);
    } else {
      expect_none((what + ", step of " + std::to_string(N)).c_str(), counted);
    }
    first = false;
  }
}

template <class Network>
void check_training(Network net, const std::string& what) {
  using T = typename Network::value_type;
  auto random = random_stream(2);
  randomize(net, random);
  const auto x = random_matrix<T>(batches[0], net.in_width(), random);
  const auto y = random_matrix<T>(batches[0], net.out_width(), random);
  const auto rows = [&](std::size_t N) { return matrix_view(y).middle_rows(0, N); };
  check_steps(net, x, mean_squared_error{}, rows, sgd{.rate = 1e-3}, what + ", sgd");
  check_steps(net, x, mean_squared_error{}, rows, sgd{.rate = 1e-3, .weight_decay = 1e-4},
              what + ", sgd with decay");
  check_steps(net, x, mean_squared_error{}, rows, momentum_sgd{.rate = 1e-3},
              what + ", momentum_sgd");
  check_steps(net, x, mean_squared_error{}, rows, adam{.rate = 1e-3}, what + ", adam");
  const std::vector<label> labels(batches[0], 1);
  const auto some = [&](std::size_t N) { return std::span(labels).first(N); };
  check_steps(net, x, cross_entropy{}, some, sgd{.rate = 1e-3}, what + ", cross entropy");
}

// Every layer that is not dense, in both modes; by the rule too.
void check_layers() {
  auto random = random_stream(6);
  network net(conv2d<double>({2, 6, 6}, {.filters = 4, .size = 3, .padding = 1}),
              batch_norm<double>(4), gated<relu>(),
              residual(batch_norm<double>(4), gated<relu>(),
                       conv2d<double>({4, 6, 6}, {.filters = 4, .size = 3, .padding = 1})),
              average_pool<double>({.size = 2}), max_pool<double>({.size = 2, .stride = 1}),
              flatten(), dense<double>(16, 3));
  using Net = decltype(net);
  net.for_each_parameter([&](auto W) { fill_random(W, random); });
  const auto x = random_matrix<double>(batches[0], 72, random);
  const auto y = random_matrix<double>(batches[0], 3, random);
  const auto rows = [&](std::size_t N) { return matrix_view(y).middle_rows(0, N); };
  activations<Net> kept;
  gradients<Net> found;
  gradient_rule<Net, Net> rule(net, net);
  const auto passes = [&](std::size_t N) {
    const auto x_N = matrix_view(x).middle_rows(0, N);
    net.forward(training{}, x_N, kept);
    net.backward(x_N, kept, rows(N), found);
    net.forward(x_N, kept);
    net.backward(x_N, kept, rows(N), found);
    rule.evaluate(x_N);
    rule.g<1>();
  };
  expect_some("layers, first passes", allocations_of([&] { passes(batches[0]); }));
  for (const std::size_t N : batches) {
    expect_none(("layers, passes of " + std::to_string(N)).c_str(),
                allocations_of([&] { passes(N); }));
  }
  check_steps(net, x, mean_squared_error{}, rows, sgd{.rate = 1e-5}, "layers, sgd");
  check_steps(net, x, mean_squared_error{}, rows, adam{.rate = 1e-5}, "layers, adam");
}

template <class Run>
void check_repeated(const char* what, const Run& run) {
  expect_some((std::string(what) + ", first").c_str(), allocations_of(run));
  expect_none(what, allocations_of(run));
}

void check_theory() {
  using net = two_layer<double, relu, dynamic, dynamic, dynamic>;
  using biased_net = two_layer<double, relu, dynamic, dynamic, dynamic, with_bias>;
  auto random = random_stream(4);
  net teacher({30, 5, 3}), student({30, 17, 3});
  biased_net biased_teacher({30, 5, 3}), biased_student({30, 17, 3});
  randomize(teacher, random);
  randomize(student, random);
  randomize(biased_teacher, random);
  randomize(biased_student, random);
  population loss(teacher);
  gradients<net> found;
  check_repeated("population gradient", [&] { loss.gradient(student, found); });
  biased_population biased_loss(biased_teacher);
  gradients<biased_net> biased_found;
  check_repeated("biased population gradient",
                 [&] { biased_loss.gradient(biased_student, biased_found); });
  auto hessian = hessian_of(loss);
  std::vector<double> u(30 * 17 + 17 * 3, 1), Hu(u.size());
  check_repeated("Hessian times a vector", [&] { hessian.multiply(student, u, Hu); });
  online_sgd simulation(teacher, student, {.rate = 1e-3, .batch = 5}, 1);
  check_repeated("online step", [&] { simulation.step(); });
  population_with_linear_fit fitted(teacher);
  check_repeated("population gradient with a linear fit", [&] { fitted.gradient(student, found); });
}

void check_determinants() {
  auto random = random_stream(5);
  auto theta = make_matrix<double>(20, 9), replaced = theta;
  random.fill_uniform(std::span(theta.data(), theta.size()), 0, 6);
  std::vector<double> det(20);
  angular_matrices<double> a;
  cramer_determinants<double> c;
  check_repeated("determinants of a set", [&] {
    a.compute(arc_cosine<1>{}, std::span<const double>(theta.data(), 9));
    c.compute(a.M, a.b);
  });
  expect_none("determinants of many sets", allocations_of([&] {
                direction_set_determinants(arc_cosine<1>{}, theta, det, replaced);
              }));
}

}  // namespace

int main() {
  check_counter();
  using any = mlp<double, relu, dynamic, dynamic, dynamic>;
  using any_deep = mlp<float, leaky_relu<>, dynamic, dynamic, dynamic, dynamic>;
  check_passes(any({100, 10, 50}), "dynamic widths");
  check_passes(mlp<double, relu, 100, 10, 50>(), "static widths");
  check_passes(mlp<long double, relu, 7, dynamic, 3>({7, 5, 3}), "mixed widths, long double");
  check_passes(mlp<std::complex<double>, relu, dynamic, dynamic, dynamic>({20, 10, 5}), "complex");
  check_passes(any_deep({33, 17, 65, 2}), "dynamic widths, float");
  using convolution_net = network<conv2d<float>, conv2d<float, dynamic, relu>, conv2d<float>,
                                  dense<float, dynamic, dynamic, identity>>;
  check_passes(convolution_net(
                   conv2d<float>({1, 9, 9}, {.filters = 16, .size = 3, .padding = 1}),
                   conv2d<float, dynamic, relu>({16, 9, 9}, {.filters = 6, .size = 3, .stride = 2}),
                   conv2d<float>({6, 4, 4}, {.filters = 4, .size = 2, .groups = 2}),
                   dense<float, dynamic, dynamic, identity>(36, 2)),
               "convolutions");
  check_rule(any_deep({6, 5, 4, 3}), any_deep({6, 17, 9, 3}), "dynamic widths, float");
  using fixed = mlp<double, relu, 6, 17, 9, 3>;
  check_rule(fixed(), fixed(), "static widths");
  check_training(any({100, 10, 50}), "dynamic widths");
  check_training(mlp<double, relu, 100, 10, 50>(), "static widths");
  check_training(any_deep({33, 17, 65, 2}), "dynamic widths, float");
  check_layers();
  check_theory();
  check_determinants();
  if (failures == 0) std::puts("no allocation of ours after the first call");
  std::printf("allocations of BLAS: %zu\n", blas_allocations.load());
  return failures == 0 ? 0 : 1;
}

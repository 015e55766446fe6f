// Facts about types: compiling is passing.
#include <tutelage/tutelage.hpp>

namespace {

using namespace tutelage;

// Static extents take no room.
static_assert(std::is_empty_v<extent<10>>);
static_assert(sizeof(extent<dynamic>) == sizeof(std::size_t));
static_assert(sizeof(matrix_view<double, 3, 4>) < sizeof(matrix_view<double, 3, dynamic>));
static_assert(sizeof(matrix_view<double, 3, dynamic>) < sizeof(matrix_view<double>));

// One alias for every depth and mixture of widths.
static_assert(mlp<double, relu, 100, 10, 50>::depth == 2);
static_assert(mlp<float, relu, 5, dynamic, 3, dynamic, 2>::depth == 4);
static_assert(std::is_same_v<mlp<double, relu, 4, 3, 2>::layer_type<1>, dense<double, 4, 3, relu>>);
static_assert(
    std::is_same_v<mlp<double, relu, 4, 3, 2>::layer_type<2>, dense<double, 3, 2, identity>>);

// Static networks need no widths, others cannot do without.
static_assert(std::is_default_constructible_v<mlp<double, relu, 4, 3, 2>>);
static_assert(!std::is_default_constructible_v<mlp<double, relu, 4, dynamic, 2>>);

// Models of the concepts.
static_assert(dense_layer<dense<double, 3, 4, relu>> && gated_layer<dense<double, 3, 4, relu>>);
static_assert(layer<dense<float, dynamic, 4, leaky_relu<>, no_bias>>);
static_assert(layer<dense<std::complex<double>, dynamic, dynamic, identity>>);
static_assert(gate<identity> && gate<relu> && gate<leaky_relu<>> &&
              gate<leaky_relu<dynamic_slope>>);
static_assert(row_source<matrix_view<const double>>);
static_assert(input_distribution<gaussian_inputs> && input_distribution<uniform_inputs>);
static_assert(rate_schedule<step_rates> && rate_schedule<halving_rate> &&
              rate_schedule<cosine_rate> && rate_schedule<learning_rate>);
static_assert(optimizer<sgd, double> && optimizer<momentum_sgd, float> &&
              optimizer<adam, long double> && optimizer<sgd, std::complex<double>> &&
              !optimizer<adam, std::complex<double>> && !optimizer<mean_squared_error, double>);

// A view converts to const and to dynamic extents by itself; to static ones only when asked.
static_assert(std::is_convertible_v<matrix_view<double, 3, 4>, matrix_view<const double>>);
static_assert(!std::is_convertible_v<matrix_view<double>, matrix_view<double, 3, 4>>);
static_assert(!std::is_constructible_v<matrix_view<double, 3, 4>, matrix_view<double, 3, 5>>);
static_assert(!std::is_constructible_v<matrix_view<double>, matrix_view<const double>>);
static_assert(std::is_convertible_v<matrix<double>&, matrix_view<const double>>);

}  // namespace

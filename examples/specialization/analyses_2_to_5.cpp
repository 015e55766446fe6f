#include "specialization/analyses.hpp"

namespace examples {

template sections analyze<2>(const run_network<double, 2>&, const run_network<double, 2>&,
                             const options&, const tutelage::alignment&,
                             const tutelage::matrix_view<const double>&,
                             const tutelage::matrix_view<const double>&);
template sections analyze<3>(const run_network<double, 3>&, const run_network<double, 3>&,
                             const options&, const tutelage::alignment&,
                             const tutelage::matrix_view<const double>&,
                             const tutelage::matrix_view<const double>&);
template sections analyze<4>(const run_network<double, 4>&, const run_network<double, 4>&,
                             const options&, const tutelage::alignment&,
                             const tutelage::matrix_view<const double>&,
                             const tutelage::matrix_view<const double>&);
template sections analyze<5>(const run_network<double, 5>&, const run_network<double, 5>&,
                             const options&, const tutelage::alignment&,
                             const tutelage::matrix_view<const double>&,
                             const tutelage::matrix_view<const double>&);

}  // namespace examples

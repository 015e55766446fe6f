#include "specialization/analyses.hpp"

namespace examples {

template sections analyze<6>(const run_network<double, 6>&, const run_network<double, 6>&,
                             const options&, const tutelage::alignment&,
                             const tutelage::matrix_view<const double>&,
                             const tutelage::matrix_view<const double>&);
template sections analyze<7>(const run_network<double, 7>&, const run_network<double, 7>&,
                             const options&, const tutelage::alignment&,
                             const tutelage::matrix_view<const double>&,
                             const tutelage::matrix_view<const double>&);
template sections analyze<8>(const run_network<double, 8>&, const run_network<double, 8>&,
                             const options&, const tutelage::alignment&,
                             const tutelage::matrix_view<const double>&,
                             const tutelage::matrix_view<const double>&);

}  // namespace examples

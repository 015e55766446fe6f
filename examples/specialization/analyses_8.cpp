#include "specialization/analyses.hpp"

namespace examples {

template sections analyze<8>(const run_network<double, 8>&, const run_network<double, 8>&,
                             const options&, const tutelage::alignment&,
                             const tutelage::matrix_view<const double>&,
                             const tutelage::matrix_view<const double>&);

}  // namespace examples

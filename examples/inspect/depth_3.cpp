#include "inspect/inspect.hpp"

namespace examples {

template facts inspect_nodes<3>(const question&, const std::vector<dense_network>&, const samples&);

}  // namespace examples

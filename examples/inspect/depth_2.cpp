#include "inspect/inspect.hpp"

namespace examples {

template findings inspect<2>(const question&, const samples&);

}  // namespace examples

#include "inspect/inspect.hpp"

namespace examples {

template findings inspect<3>(const question&, const samples&);

}  // namespace examples

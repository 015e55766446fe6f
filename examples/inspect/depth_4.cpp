#include "inspect/inspect.hpp"

namespace examples {

template findings inspect<4>(const question&, const samples&);

}  // namespace examples

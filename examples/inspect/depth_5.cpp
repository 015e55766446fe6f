#include "inspect/inspect.hpp"

namespace examples {

template findings inspect<5>(const question&, const samples&);

}  // namespace examples

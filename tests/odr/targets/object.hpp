// What each object says of itself.
#pragma once

#include <string>

namespace targets {

struct object {
  std::string target, type;
  double sum = 0;  // of what it computed
};

object native();
object baseline();
void native_throws();
void baseline_throws();
bool native_catches(void (*call)());
bool baseline_catches(void (*call)());

}  // namespace targets

// The inputs that fuzzing has kept, and the first ones it began with.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "fuzz/targets.hpp"
#include "support/guarded_bytes.hpp"

namespace {

namespace fs = std::filesystem;
using namespace test;

// Are all inputs of a target read or refused, and are there enough of either?
template <class Target>
void replay(const std::string& name, const Target& target) {
  CAPTURE(name);
  std::size_t read = 0, refused = 0;
  const fs::path folder = fs::path(__FILE__).parent_path() / "../data/fuzz" / name;
  for (const auto& entry : fs::directory_iterator(folder)) {
    CAPTURE(entry.path().string());
    std::ifstream file(entry.path(), std::ios::binary);
    const guarded_bytes content(std::string(std::istreambuf_iterator<char>(file), {}));
    bool ends_well = true;
    try {
      ++(fuzz::run(target, content.bytes()) ? read : refused);
    } catch (const std::exception& e) {
      ends_well = false;
      CHECK_MESSAGE(ends_well, e.what());
    }
  }
  CHECK(read >= 2);
  CHECK(refused >= 2);
}

}  // namespace

TEST_CASE("corpus: npy") { replay("npy", fuzz::npy); }
TEST_CASE("corpus: npz") { replay("npz", fuzz::npz); }
TEST_CASE("corpus: safetensors") { replay("safetensors", fuzz::safetensors); }
TEST_CASE("corpus: csv") { replay("csv", fuzz::csv); }
TEST_CASE("corpus: state") { replay("state", fuzz::state); }
TEST_CASE("corpus: checkpoint") { replay("checkpoint", fuzz::checkpoint); }
TEST_CASE("corpus: idx") { replay("idx", fuzz::idx); }

#include <tutelage/io/blocks.hpp>

#include <cstdint>
#include <string>
#include <vector>

#include "support/thrown.hpp"

namespace {

using namespace test;
using namespace tutelage;

struct sums {
  std::uint64_t count = 0;
  std::vector<float> row;
  matrix<double> numbers;

  void for_each_block(const std::string& prefix, const auto& visit) { show(*this, prefix, visit); }
  void for_each_block(const std::string& prefix, const auto& visit) const {
    show(*this, prefix, visit);
  }
  static void show(auto& self, const std::string& prefix, const auto& visit) {
    visit(detail::number_block(prefix + "count", self.count));
    visit(detail::row_block(prefix + "row", self.row));
    visit(detail::matrix_block(prefix + "numbers", self.numbers));
  }
  bool operator==(const sums&) const = default;
};

std::span<const unsigned char> bytes_of(const std::string& content) {
  return {reinterpret_cast<const unsigned char*>(content.data()), content.size()};
}

}  // namespace

TEST_CASE("blocks come back from their bytes, bit for bit") {
  const sums from{7, {0.1F, -0.0F, 3}, {{0.1, 1e300}, {-5e-324, 2}}};
  sums to{0, {0, 0, 0}, {{0, 0}, {0, 0}}};
  const std::string packed = pack_blocks(from);
  unpack_blocks(bytes_of(packed), "shard", to);
  CHECK(to == from);
  CHECK(pack_blocks(to) == packed);  // -0, too
}

TEST_CASE("bytes of others are refused, and what is there stays") {
  const sums from{7, {1, 2}, {{1, 2}}};
  const auto refused = [&](sums to, const std::string& content) {
    const sums before = to;
    const auto e = thrown_by<format_error>([&] { unpack_blocks(bytes_of(content), "shard", to); });
    CHECK(to == before);
    return e.field();
  };
  const std::string packed = pack_blocks(from);
  CHECK(refused({1, {1, 2, 3}, {{1, 2}}}, packed) == "row");
  CHECK(refused({1, {1, 2}, {{1}, {2}}}, packed) == "numbers");
  CHECK(message_of<format_error>([&] {
          sums to{1, {1, 2}, {{1}, {2}}};
          unpack_blocks(bytes_of(packed), "shard", to);
        }).find("(1, 2) of float64, expected numbers (2, 1) of float64") != std::string::npos);
  CHECK(refused({1, {1, 2}, {{1, 2}}}, packed.substr(0, packed.size() - 1)) != "");
  safetensors_writer fewer, more;
  fewer.add(detail::number_block("count", from.count));
  CHECK(refused(from, fewer.content()) == "row");
  from.for_each_block({}, [&](const auto& b) { more.add(b); });
  more.add(detail::number_block("another", from.count));
  CHECK(refused(from, more.content()) == "another");
}

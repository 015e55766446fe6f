// Anything that shows its numbers as blocks, as bytes and back: accumulators over shards of data on
// their way to a file or to another machine.
//
//   write_file("shard-3", pack_blocks(sums));              // there
//   const mapped_file file("shard-3");
//   unpack_blocks(file.bytes(), "shard-3", others);          // here, others being made alike
//   all.merge(others);
//
// for_each_block(prefix, visit) shows blocks of float, double or std::uint64_t (model/layer.hpp). The
// bytes are those of a safetensors file, so that names, types and shapes are checked.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include <tutelage/io/safetensors.hpp>
#include <tutelage/io/safetensors_writer.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

namespace detail {

// Calls visit(array, block) for a file's arrays and the blocks that show(visit) shows, in their order.
// Throws format_error when there are more of one; `what` has no place for more arrays.
template <class Show, class Visit>
void for_each_array_and_block(const safetensors& read, const std::string& file, const char* what,
                              const Show& show, const Visit& visit) {
  std::size_t next = 0;
  show([&](const auto& b) {
    if (next == read.arrays.size()) throw format_error(file, 0, b.name, "is missing");
    visit(read.arrays[next++], b);
  });
  if (next != read.arrays.size()) {
    const auto& more = read.arrays[next];
    throw format_error(file, more.offset, more.name, text(what, " has no place for it"));
  }
}

// Throws format_error unless the array has the block's name, type and shape.
template <class T>
void require_block(const named_array& from, const std::string& file, const block<T>& b) {
  constexpr element_type type = type_of<std::remove_const_t<T>>();
  if (from.name != b.name || from.type != type || from.shape != b.shape) {
    throw format_error(file, from.offset, from.name,
                       text(shape_text(from.shape), " of ", type_text(from.type), ", expected ",
                            b.name, " ", shape_text(b.shape), " of ", type_text(type)));
  }
}

}  // namespace detail

template <class Object>
std::string pack_blocks(const Object& from) {
  safetensors_writer file;
  from.for_each_block({}, [&](const auto& b) {
    using number =
        std::remove_const_t<typename std::remove_cvref_t<decltype(b.values)>::value_type>;
    file.add(block<const number>{b.name, b.shape, b.values, b.transposed});
  });
  return file.content();
}

/// Throws format_error, with `file` for where the bytes are from, unless they hold the blocks of such
/// an object, no more and no fewer; then it is as it was.
template <class Object>
void unpack_blocks(std::span<const unsigned char> bytes, const std::string& file, Object& to) {
  const auto read = parse_safetensors(bytes, file);
  const auto for_each_pair = [&](const auto& visit) {
    detail::for_each_array_and_block(
        read, file, "the object", [&](const auto& each) { to.for_each_block({}, each); }, visit);
  };
  for_each_pair(
      [&](const named_array& from, const auto& b) { detail::require_block(from, file, b); });
  for_each_pair([](const named_array& from, const auto& b) { from.read(b.values, b.transposed); });
}

}  // namespace tutelage

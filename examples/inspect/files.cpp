#include "inspect/files.hpp"

#include <stdexcept>

#include <tutelage/io/array_file.hpp>
#include <tutelage/io/npy_rows.hpp>

namespace examples {

namespace {

using namespace tutelage;

// Samples in rows; what is left of the shape is one sample. Column-major files are turned round.
matrix<double> read_rows_of(const std::string& file) {
  const array_file content(file);
  if (content.arrays().size() != 1) {
    throw std::runtime_error(detail::text(file, ": has ", content.arrays().size(),
                                          " arrays, expected one, as numpy.save writes it"));
  }
  const named_array& array = content.arrays().front();
  if (array.shape.empty() || array.size() == 0) {
    throw std::runtime_error(detail::text(file, ": is of shape ", shape_text(array.shape),
                                          ", expected samples in rows"));
  }
  array.require_finite<double>();
  auto result = make_matrix<double>(array.shape[0], array.size() / array.shape[0]);
  array.read(std::span(result.data(), result.size()));
  return result;
}

bool one_dimension(const std::string& file) {
  const array_file content(file);
  return content.arrays().size() == 1 && content.arrays().front().shape.size() == 1;
}

void require_samples(const std::string& file, std::size_t count, const question& asked,
                     std::size_t wanted) {
  if (count == wanted) return;
  throw shape_error(detail::text(file, ": ", count, " samples, ", asked.inputs, " has ", wanted));
}

}  // namespace

samples read_samples(const question& asked, std::size_t inputs, std::size_t outputs) {
  samples result;
  result.x = read_rows_of(asked.inputs);
  const std::size_t N = result.x.shape(0);
  if (result.x.shape(1) != inputs) {
    throw shape_error(detail::text(asked.inputs, ": samples have ", result.x.shape(1), " numbers, ",
                                   asked.files().front(), " takes ", inputs));
  }
  if (asked.labels.empty()) return result;
  if (outputs > 1 && one_dimension(asked.labels)) {
    result.labels = read_npy_labels(asked.labels);
    require_samples(asked.labels, result.labels.size(), asked, N);
    for (std::size_t i = 0; i < N; ++i) {
      if (result.labels[i] < outputs) continue;
      throw argument_error(detail::text(asked.labels, ": label ", i, " is ", result.labels[i],
                                        ", the network has outputs 0 to ", outputs - 1));
    }
    return result;
  }
  result.targets = read_rows_of(asked.labels);
  require_samples(asked.labels, result.targets->shape(0), asked, N);
  if (result.targets->shape(1) != outputs) {
    throw shape_error(detail::text(asked.labels, ": targets have ", result.targets->shape(1),
                                   " numbers, the network has ", outputs, " outputs"));
  }
  return result;
}

}  // namespace examples

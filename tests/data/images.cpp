#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include <tutelage/data/images.hpp>

#include "support/close_to.hpp"
#include "support/framed.hpp"
#include "support/idx_content.hpp"
#include "support/random.hpp"
#include "support/temporary_folder.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

constexpr const char* fashion_mnist = "/usr/share/datasets/fashion-mnist/";

// Mean and standard deviation in two passes.
struct two_pass {
  long double mean = 0, std = 0;

  template <class E>
  explicit two_pass(const std::vector<E>& numbers) {
    const auto n = static_cast<long double>(numbers.size());
    for (const E x : numbers) mean += x;
    mean /= n;
    for (const E x : numbers) std += (x - mean) * (x - mean);
    std = std::sqrt(std / n);
  }
};

// Each of n updates of the running mean rounds a number of the size of the largest element; the
// standard deviation sees the mean's errors once more.
template <class E>
void check_normalization(const temporary_folder& folder, const std::vector<std::uint32_t>& shape,
                         const std::vector<E>& numbers) {
  const idx_file file(folder.write("numbers", idx_content(shape, numbers)));
  const normalization got = measure_normalization(file);
  const two_pass expected(numbers);
  long double absolute = 0;
  for (const E x : numbers) absolute += std::abs(static_cast<long double>(x));
  const double unit = epsilon<double> * static_cast<double>(absolute);
  CHECK(close_to(got.mean, static_cast<double>(expected.mean), unit));
  CHECK(close_to(got.std, static_cast<double>(expected.std),
                 unit + epsilon<double> * static_cast<double>(numbers.size()) * got.std));
}

template <class E>
std::vector<E> random_elements(std::size_t count, double center, double width, stream& random) {
  std::vector<E> result(count);
  for (E& x : result) x = static_cast<E>(std::round(center + width * random.normal()));
  return result;
}

// 257 samples of 2 x 3 numbers.
std::string write_images(const temporary_folder& folder) {
  stream random = random_stream(5);
  return folder.write(
      "images", idx_content({257, 2, 3}, random_elements<std::int16_t>(257 * 6, 100, 50, random)));
}

}  // namespace

TEST_CASE("mean and standard deviation are those of two passes") {
  const temporary_folder folder;
  stream random = random_stream(1);
  check_normalization(folder, {2}, std::vector<std::uint8_t>{0, 255});
  check_normalization(folder, {1, 2}, std::vector<std::int8_t>{-128, 127});
  check_normalization(folder, {100, 3, 2}, random_elements<std::int16_t>(600, 0, 3000, random));
  check_normalization(folder, {6, 100}, random_elements<std::int32_t>(600, -5e5, 3e5, random));
  check_normalization(folder, {600}, random_elements<float>(600, 1000, 1, random));
  // A mean that is large beside the deviations: sums of squares would lose them.
  check_normalization(folder, {600, 1}, random_elements<double>(600, 1e12, 5, random));
}

TEST_CASE("what cannot be normalized") {
  const temporary_folder folder;
  const auto check = [&](const std::string& content, std::size_t begin) {
    const std::string path = folder.write("images", content);
    const auto e = thrown_by<format_error>([&] { measure_normalization(idx_file(path)); });
    CHECK(e.file() == path);
    CHECK(e.byte_offset() == begin);
    CHECK(e.field() == "elements");
    CHECK(e.what() ==
          detail::text(path, ": byte ", begin,
                       ": elements: cannot be normalized: none, all equal, or not finite"));
    CHECK(message_of<format_error>([&] { image_rows<float> rows(path); }) == e.what());
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double inf = std::numeric_limits<double>::infinity();
  check(idx_content<double>({0, 2}, {}), 12);
  check(idx_content<double>({2, 0, 3}, {}), 16);
  check(idx_content<std::uint8_t>({1}, {7}), 8);
  check(idx_content<double>({3}, {0.1, 0.1, 0.1}), 8);
  check(idx_content<double>({2}, {-1e300, 1e300}), 8);
  for (const double wrong : {nan, inf, -inf}) {
    const std::string path =
        folder.write("images", idx_content<double>({2, 3}, {1, 2, 3, 4, wrong, 6}));
    const std::string said = detail::text(path, ": byte 36: elements: row 1, column 1 is ", wrong,
                                          ", expected finite numbers");
    CHECK(message_of<format_error>([&] { measure_normalization(idx_file(path)); }) == said);
    CHECK(message_of<format_error>([&] { image_rows<float> rows(path); }) == said);
    CHECK(message_of<format_error>([&] { image_rows<float> rows(path, {0, 1}); }) == said);
  }
  // Finite in the file, but not as a float.
  const std::string path = folder.write("images", idx_content<double>({2, 1}, {1, 1e300}));
  CHECK_THROWS_AS(image_rows<float>(path, {0, 1}), format_error);
  CHECK_NOTHROW(image_rows<double>(path, {0, 1}));
}

TEST_CASE_TEMPLATE("rows are (x - mean) / std", T, float, double, long double) {
  const temporary_folder folder;
  const std::string path = write_images(folder);
  const idx_file file(path);
  const auto check = [&](const image_rows<T>& images) {
    const auto [mean, std] = images.numbers();
    CHECK(images.rows() == 257);
    CHECK(images.cols() == 6);
    comparison result;
    for (std::size_t i = 0; i < images.rows(); ++i) {
      std::array<T, 6> row;
      images.read_row(i, std::span<T>(row));
      std::array<double, 6> raw{};
      file.read_row(i, std::span<double>(raw));
      for (std::size_t k = 0; k < 6; ++k) {
        const long double expected = (static_cast<long double>(raw[k]) - mean) / std;
        // The mean and the inverse are rounded to double, then to T; difference and product to T.
        const double unit = static_cast<double>(epsilon<T>) + epsilon<double>;
        result.add(static_cast<double>(std::abs(row[k] - expected)),
                   unit * (std::abs(mean) / std + 2 * static_cast<double>(std::abs(expected))),
                   detail::text("row ", i), static_cast<double>(row[k]),
                   static_cast<double>(expected));
      }
    }
    CHECK(result);
  };
  const image_rows<T> own(path);
  check(own);
  const normalization measured = measure_normalization(file);
  CHECK(own.numbers().mean == measured.mean);
  CHECK(own.numbers().std == measured.std);
  const image_rows<T> given(path, {.mean = -3.5, .std = 12.25});
  CHECK(given.numbers().mean == -3.5);
  CHECK(given.numbers().std == 12.25);
  check(given);
}

TEST_CASE("own numbers give mean 0 and standard deviation 1") {
  const temporary_folder folder;
  const auto x = read_all(image_rows<double>(write_images(folder)));
  const two_pass moments(std::vector<double>(x.begin(), x.end()));
  long double absolute = 0;
  for (const double value : x) absolute += std::abs(value);
  const double unit = epsilon<double> * static_cast<double>(absolute);
  CHECK(close_to(static_cast<double>(moments.mean), 0, unit));
  CHECK(close_to(static_cast<double>(moments.std), 1, unit));
}

TEST_CASE_TEMPLATE("images are a source of rows", T, float, double) {
  static_assert(row_source<image_rows<T>>);
  const temporary_folder folder;
  const image_rows<T> images(write_images(folder));
  auto all = make_matrix<T>(images.rows(), images.cols());
  for (std::size_t i = 0; i < images.rows(); ++i) {
    images.read_row(i, matrix_view(all).row(i));
  }
  CHECK(&as_rows(images) == &images);
  CHECK(read_all(images) == all);

  for (const std::size_t chunk : {std::size_t{1}, std::size_t{100}, chunk_rows, std::size_t{500}}) {
    std::size_t next = 0;
    for_each_chunk(
        images,
        [&](const matrix_view<const T>& rows, std::size_t first) {
          CHECK(first == next);
          CHECK(rows.rows() == std::min(chunk, images.rows() - first));
          CHECK(rows.cols() == images.cols());
          bool equal = true;
          for (std::size_t i = 0; i < rows.rows(); ++i) {
            equal = equal && std::ranges::equal(rows.row(i), matrix_view(all).row(first + i));
          }
          CHECK(equal);
          next += rows.rows();
        },
        chunk);
    CHECK(next == images.rows());
  }

  const std::vector<std::size_t> indices{256, 3, 3, 0};
  framed<T> out(4, 6, 3, T(-9));
  gather(images, indices, out.view());
  CHECK(out.intact());
  for (std::size_t i = 0; i < indices.size(); ++i) {
    CHECK(std::ranges::equal(out.view().row(i), matrix_view(all).row(indices[i])));
  }
  const std::vector<std::size_t> outside{257};
  CHECK(message_of<shape_error>([&] { gather(images, outside, out.view().middle_rows(0, 1)); }) ==
        "gather: row 257, expected one below 257");
  CHECK(message_of<shape_error>([&] { gather(images, indices, out.view().middle_rows(0, 3)); }) ==
        "gather: out is (3x6), expected (4x6)");
}

TEST_CASE("copies share the file; a head is its first samples") {
  const temporary_folder folder;
  const image_rows<double> images(write_images(folder));
  const image_rows<double> copy = images;
  CHECK(&copy.file() == &images.file());
  const auto all = read_all(images);
  for (const std::size_t n : {0U, 1U, 255U, 256U, 257U, 1000U}) {
    const auto head = images.head(n);
    CHECK(&head.file() == &images.file());
    CHECK(head.rows() == std::min<std::size_t>(n, 257));
    CHECK(head.numbers().mean == images.numbers().mean);
    const auto part = read_all(head);
    CHECK(std::equal(part.begin(), part.end(), all.begin()));
    CHECK(part.shape(0) == head.rows());
    CHECK(head.head(1000).rows() == head.rows());
  }
  const std::vector<std::size_t> third{2};
  auto out = make_matrix<double>(1, 6);
  CHECK(message_of<shape_error>([&] { gather(images.head(2), third, matrix_view(out)); }) ==
        "gather: row 2, expected one below 2");
}

TEST_CASE("labels of every type") {
  const temporary_folder folder;
  using labels = std::vector<std::uint32_t>;
  CHECK(read_labels(folder.write("u8", idx_content<std::uint8_t>({3}, {0, 9, 255}))) ==
        labels{0, 9, 255});
  CHECK(read_labels(folder.write("i8", idx_content<std::int8_t>({2}, {0, 127}))) == labels{0, 127});
  CHECK(read_labels(folder.write("i16", idx_content<std::int16_t>({1}, {32767}))) == labels{32767});
  CHECK(read_labels(folder.write("i32", idx_content<std::int32_t>({2}, {5, 2147483647}))) ==
        labels{5, 2147483647});
  CHECK(read_labels(folder.write("f32", idx_content<float>({2}, {0, 16777216}))) ==
        labels{0, 16777216});
  CHECK(read_labels(folder.write("f64", idx_content<double>({2}, {-0.0, 2147483647}))) ==
        labels{0, 2147483647});
  CHECK(read_labels(folder.write("packed", gzip(idx_content<std::uint8_t>({2}, {4, 2})))) ==
        labels{4, 2});
  CHECK(read_labels(folder.write("none", idx_content<std::uint8_t>({0}, {}))).empty());
}

TEST_CASE("labels that are none") {
  const temporary_folder folder;
  const auto check = [&](const std::string& content, std::size_t byte, const std::string& field,
                         const std::string& problem) {
    const std::string path = folder.write("labels", content);
    const auto e = thrown_by<format_error>([&] { read_labels(path); });
    CHECK(e.file() == path);
    CHECK(e.byte_offset() == byte);
    CHECK(e.field() == field);
    CHECK(e.what() == detail::text(path, ": byte ", byte, ": ", field, ": ", problem));
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double inf = std::numeric_limits<double>::infinity();
  check(idx_content<std::int8_t>({3}, {1, -1, 2}), 9, "labels", "label 1 is -1");
  check(idx_content<std::int16_t>({2}, {1, -32768}), 10, "labels", "label 1 is -32768");
  check(idx_content<std::int32_t>({1}, {-7}), 8, "labels", "label 0 is -7");
  check(idx_content<float>({3}, {1, 2, 2.5F}), 16, "labels", "label 2 is 2.5");
  check(idx_content<double>({2}, {0, 2147483648.0}), 16, "labels", "label 1 is 2.14748365e+09");
  check(idx_content<double>({2}, {0, 0.5}), 16, "labels", "label 1 is 0.5");
  check(idx_content<double>({1}, {nan}), 8, "labels", "label 0 is nan");
  check(idx_content<double>({1}, {inf}), 8, "labels", "label 0 is inf");
  check(idx_content<std::uint8_t>({2, 1}, {1, 2}), 3, "dimensions", "2, expected 1 for labels");
  check(idx_content<std::uint8_t>({1, 1, 1}, {1}), 3, "dimensions", "3, expected 1 for labels");
  CHECK(thrown_by<io_error>([&] { read_labels(folder / "absent"); }).path() == folder / "absent");
  CHECK(thrown_by<io_error>([&] { image_rows<float> rows(folder / "absent"); }).operation() ==
        "open");
}

TEST_CASE("Fashion-MNIST" * doctest::skip(!std::filesystem::exists(fashion_mnist))) {
  const std::string folder = fashion_mnist;
  const auto check = [&](const std::string& set, std::size_t samples) {
    const image_rows<float> images(folder + set + "-images-idx3-ubyte.gz");
    CHECK(images.rows() == samples);
    CHECK(images.cols() == 784);
    CHECK(std::ranges::equal(images.file().shape(), std::array<std::size_t, 3>{samples, 28, 28}));
    // Whole numbers: their sums are exact.
    std::uint64_t sum = 0, squares = 0;
    std::vector<std::uint32_t> row(784);
    for (std::size_t i = 0; i < samples; ++i) {
      images.file().read_row(i, std::span(row));
      for (const std::uint32_t x : row) {
        sum += x;
        squares += x * x;
      }
    }
    const auto n = static_cast<long double>(samples) * 784;
    const long double mean = static_cast<long double>(sum) / n;
    const long double std = std::sqrt(static_cast<long double>(squares) / n - mean * mean);
    // Rounding errors of so many updates grow like their root.
    const double unit = epsilon<double> * std::sqrt(static_cast<double>(n));
    CHECK(close_to(images.numbers().mean, static_cast<double>(mean),
                   unit * static_cast<double>(mean)));
    CHECK(
        close_to(images.numbers().std, static_cast<double>(std), unit * static_cast<double>(std)));

    const auto labels = read_labels(folder + set + "-labels-idx1-ubyte.gz");
    CHECK(labels.size() == samples);
    for (std::uint32_t l = 0; l < 10; ++l) {
      CHECK(static_cast<std::size_t>(std::ranges::count(labels, l)) == samples / 10);
    }
    return images.numbers();
  };
  const normalization train = check("train", 60000);
  check("t10k", 10000);
  // As they are quoted, to the last digit.
  CHECK(close_to(train.mean, 72.9404, 0.00005));
  CHECK(close_to(train.std, 90.0212, 0.00005));
}

TEST_CASE("normalization by numbers that cannot be used") {
  const temporary_folder folder;
  const std::string path =
      folder.write("images", idx_content<std::uint8_t>({1, 2}, std::vector<std::uint8_t>{1, 2}));
  for (const normalization& numbers :
       {normalization{0, 0}, normalization{0, -1}, normalization{std::nan(""), 1},
        normalization{0, std::nan("")}, normalization{0, HUGE_VAL}}) {
    CHECK(message_of<argument_error>([&] {
            image_rows<double>(path, numbers);
          }).ends_with("expected finite numbers and std > 0"));
  }
}

TEST_CASE("samples that a file does not have") {
  const temporary_folder folder;
  const idx_file file(
      folder.write("images", idx_content<std::uint8_t>({1, 2}, std::vector<std::uint8_t>{1, 2})));
  std::vector<double> row(2);
  CHECK(message_of<shape_error>([&] { file.read_row(1, std::span<double>(row)); }) ==
        "read_row: sample 1 into 2 elements, expected one below 1 into 2");
  CHECK(message_of<shape_error>([&] { file.read_row(0, std::span<double>(row).first(1)); }) ==
        "read_row: sample 0 into 1 elements, expected one below 1 into 2");
}

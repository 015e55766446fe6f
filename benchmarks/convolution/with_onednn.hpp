// The passes of a convolution in oneDNN, as its users write them: a primitive for each pass.
#pragma once

#include <omp.h>

#include <cstddef>
#include <oneapi/dnnl/dnnl.hpp>
#include <unordered_map>
#include <vector>

#include "../support.hpp"

namespace bench {

/// Images either lie as ours do (NCHW), and are reordered where the primitive wants another order,
/// weights and results too; or lie as the primitive likes best, as inside of a network of oneDNN's.
class onednn_convolution {
  using memory = dnnl::memory;
  using tag = memory::format_tag;

 public:
  onednn_convolution(const convolution& c, std::size_t N, bool own_order) : own_order_(own_order) {
    const auto n = [](std::size_t number) { return static_cast<memory::dim>(number); };
    const auto& s = c.settings;
    const auto out = out_image(c);
    const memory::dims x{n(N), n(c.image.channels), n(c.image.height), n(c.image.width)},
        w{n(s.filters), n(c.image.channels), n(s.size.height), n(s.size.width)}, b{n(s.filters)},
        f{n(N), n(out.channels), n(out.height), n(out.width)},
        strides{n(s.stride.height), n(s.stride.width)},
        padding{n(s.padding.height), n(s.padding.width)};
    const auto any = [](const memory::dims& dims) {
      return memory::desc(dims, memory::data_type::f32, tag::any);
    };
    const memory::desc bias(b, memory::data_type::f32, tag::a);
    using dnnl::convolution_forward, dnnl::convolution_backward_data,
        dnnl::convolution_backward_weights;
    constexpr auto direct = dnnl::algorithm::convolution_direct;
    const convolution_forward::primitive_desc forward(
        {dnnl::prop_kind::forward_training, direct, any(x), any(w), bias, any(f), strides, padding,
         padding},
        engine_);
    const convolution_backward_data::primitive_desc input(
        {direct, any(x), any(w), any(f), strides, padding, padding}, engine_, forward);
    const convolution_backward_weights::primitive_desc weights(
        {direct, any(x), any(w), bias, any(f), strides, padding, padding}, engine_, forward);

    add(forward_, dnnl::convolution_forward(forward),
        {{DNNL_ARG_SRC, plain(x, tag::nchw), forward.src_desc()},
         {DNNL_ARG_WEIGHTS, plain(w, tag::oihw), forward.weights_desc()},
         {DNNL_ARG_BIAS, plain(b, tag::a), bias}},
        {{DNNL_ARG_DST, plain(f, tag::nchw), forward.dst_desc()}});
    add(input_, dnnl::convolution_backward_data(input),
        {{DNNL_ARG_DIFF_DST, plain(f, tag::nchw), input.diff_dst_desc()},
         {DNNL_ARG_WEIGHTS, plain(w, tag::oihw), input.weights_desc()}},
        {{DNNL_ARG_DIFF_SRC, plain(x, tag::nchw), input.diff_src_desc()}});
    add(weights_, dnnl::convolution_backward_weights(weights),
        {{DNNL_ARG_SRC, plain(x, tag::nchw), weights.src_desc()},
         {DNNL_ARG_DIFF_DST, plain(f, tag::nchw), weights.diff_dst_desc()}},
        {{DNNL_ARG_DIFF_WEIGHTS, plain(w, tag::oihw), weights.diff_weights_desc()},
         {DNNL_ARG_DIFF_BIAS, plain(b, tag::a), bias}});
  }

  void forward() { run(forward_); }
  void input() { run(input_); }
  void weights() { run(weights_); }

 private:
  struct argument {
    int number;
    memory::desc plain, wanted;
  };
  struct step {
    dnnl::primitive primitive;
    std::unordered_map<int, memory> arguments;
  };

  static memory::desc plain(const memory::dims& dims, tag order) {
    return {dims, memory::data_type::f32, order};
  }

  memory filled(const memory::desc& description) {
    memory result(description, engine_);
    auto* const numbers = static_cast<float*>(result.get_data_handle());
    const std::size_t size = description.get_size() / sizeof(float);
    const auto from = random_matrix<float>(1, size, 3);
    std::copy_n(from.data(), size, numbers);
    return result;
  }

  void add(std::vector<step>& steps, const dnnl::primitive& primitive,
           const std::vector<argument>& in, const std::vector<argument>& out) {
    std::unordered_map<int, memory> arguments;
    std::vector<step> after;
    const auto reorder = [](const memory& from, const memory& to) {
      return step{dnnl::reorder(from, to), {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}}};
    };
    for (const auto& a : in) {
      arguments[a.number] = filled(a.wanted);
      if (own_order_ || a.plain == a.wanted) continue;
      steps.push_back(reorder(filled(a.plain), arguments[a.number]));
    }
    for (const auto& a : out) {
      arguments[a.number] = filled(a.wanted);
      if (own_order_ || a.plain == a.wanted) continue;
      after.push_back(reorder(arguments[a.number], filled(a.plain)));
    }
    steps.push_back({primitive, arguments});
    steps.insert(steps.end(), after.begin(), after.end());
  }

  void run(std::vector<step>& steps) {
    for (step& s : steps) s.primitive.execute(stream_, s.arguments);
    stream_.wait();
  }

  bool own_order_;
  dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream_{engine_};
  std::vector<step> forward_, input_, weights_;
};

}  // namespace bench

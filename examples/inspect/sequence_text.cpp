// Layers as they are typed, and the file's modules that they take.
#include <algorithm>
#include <map>
#include <sstream>
#include <stdexcept>
#include <utility>

#include <tutelage/io/array_file.hpp>
#include <tutelage/io/state_order.hpp>

#include "common/arguments.hpp"
#include "inspect/sequence.hpp"
#include "pair/print.hpp"

namespace examples {

namespace {

using namespace tutelage;
using detail::state_module;
using detail::text;

[[noreturn]] void refuse(const std::string& problem) { throw std::runtime_error(problem); }

// "maxpool:2,stride=1": a kind, a first value without a name, and values by name.
class token {
 public:
  explicit token(std::string word)
      : word_(std::move(word)), kind_(word_.substr(0, word_.find(':'))) {
    if (kind_.size() == word_.size()) return;
    for (const auto& part : split(word_.substr(kind_.size() + 1), ',')) {
      const auto equals = part.find('=');
      const std::string name = equals == part.npos ? "" : part.substr(0, equals);
      if (!values_.emplace(name, part.substr(equals == part.npos ? 0 : equals + 1)).second) {
        wrong(name.empty() ? "has two values without a name" : "has two of " + name);
      }
    }
  }

  [[nodiscard]] const std::string& kind() const { return kind_; }
  [[noreturn]] void wrong(const std::string& problem) const {
    refuse("--layers: " + word_ + " " + problem);
  }

  std::optional<std::string> take(const std::string& name) {
    known_ += (known_.empty() ? "" : ", ") + (name.empty() ? "a value" : name);
    const auto at = values_.find(name);
    if (at == values_.end()) return std::nullopt;
    const auto value = at->second;
    values_.erase(at);
    return value;
  }
  std::size_t take_count(const std::string& name, std::size_t otherwise) {
    const auto value = take(name);
    return value ? count_of(*value) : otherwise;
  }
  sides take_sides(const std::string& name, std::size_t otherwise) {
    const auto value = take(name);
    if (!value) return otherwise;
    const auto parts = split(*value, 'x');
    if (parts.size() > 2) wrong("has " + *value + ", expected a number or HxW");
    return {count_of(parts.front()), count_of(parts.back())};
  }
  double take_number(const std::string& name, double otherwise) {
    const auto value = take(name);
    if (!value) return otherwise;
    const auto number = to_number<double>(*value);
    if (!number) wrong("has " + *value + ", expected a number");
    return *number;
  }
  void finish() const {
    if (values_.empty()) return;
    const auto& name = values_.begin()->first;
    wrong((name.empty() ? "takes no value without a name" : "does not take " + name) +
          (known_.empty() ? "" : "; it takes " + known_));
  }

 private:
  [[nodiscard]] std::size_t count_of(const std::string& value) const {
    const auto count = to_number<std::size_t>(value);
    if (!count) wrong("has " + value + ", expected a whole number");
    return *count;
  }

  std::string word_, kind_, known_;
  std::map<std::string, std::string> values_;
};

std::string kind_of(const state_module& m, const std::string& file) {
  const detail::state_entry* weight = nullptr;
  for (const auto& e : m.entries) {
    if (e.role == "running_mean") return "bn";
    if (e.role == "weight") weight = &e;
  }
  if (weight != nullptr && weight->shape.size() == 2) return "linear";
  if (weight != nullptr && weight->shape.size() == 4) return "conv";
  refuse(text(file, ": ", m.shown(), " has ", m.signature(), ": no linear, conv or bn"));
}

std::string gate_text(double slope) { return slope == 0 ? "relu" : format("leaky:%g", slope); }

// ---- Files that need no text ---------------------------------------------------------------------

std::optional<std::size_t> number_at_end(const std::string& name) {
  const auto begin = name.find_last_not_of("0123456789");
  return to_number<std::size_t>(name.substr(begin == name.npos ? 0 : begin + 1));
}

std::string guessless_text(const detail::state_modules& modules, const std::string& file,
                           double slope) {
  const auto gate = " " + gate_text(slope) + " ";
  const auto ask = [&](const std::string& problem) {
    refuse(file + ": " + problem +
           "; say what stands where, lowest first: --layers \"linear bn relu linear\"");
  };
  std::vector<const state_module*> order;
  bool dense_only = true;
  for (const auto& m : modules.all()) {
    const auto kind = kind_of(m, file);
    if (kind == "conv") {
      refuse(file +
             ": holds convolutions, and files do not say their stride and padding, the "
             "images' size, gates and pools; say them: --image 1x28x28 --layers "
             "\"conv:padding=1 bn relu avgpool:2 flatten linear\"");
    }
    dense_only = dense_only && kind == "linear";
    order.push_back(&m);
  }
  std::string result;
  if (dense_only) {
    for (const auto* m : detail::mlp_modules(modules, {}, file)) {
      result += (result.empty() ? "" : gate) + "linear:name=" + m->name;
    }
    return result;
  }
  for (const auto* m : order) {
    if (detail::stem(m->name) != detail::stem(order.front()->name) || !number_at_end(m->name)) {
      ask("the names of its modules do not tell where gates stand");
    }
  }
  std::sort(order.begin(), order.end(),
            [](const auto* a, const auto* b) { return detail::natural_less(a->name, b->name); });
  std::size_t gates = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const auto kind = kind_of(*order[i], file);
    if (i > 0) {
      const bool gap = *number_at_end(order[i]->name) > *number_at_end(order[i - 1]->name) + 1;
      gates += gap;
      if (kind == "linear" && gates != 1) {
        ask(text(gates, " numbers are left out between a layer and ", order[i]->name,
                 ", where one gate is expected"));
      }
      if (kind == "linear") gates = 0;
      result += gap ? gate : " ";
    }
    result.append(kind).append(":name=").append(order[i]->name);
  }
  return result;
}

// ---- A layer and its numbers ---------------------------------------------------------------------

template <class Layer>
void read_into(Layer& layer, const state_module& m, const array_file& file) {
  const auto read = [&](const block<double>& b) {
    if (b.name == "num_batches_tracked") return;
    const auto entry = std::find_if(m.entries.begin(), m.entries.end(),
                                    [&](const auto& e) { return e.role == b.name; });
    if (entry == m.entries.end()) {  // Linear(bias=False), BatchNorm2d(affine=False)
      if (b.name == "weight" || b.name == "bias") return;
      refuse(text(file.path(), ": ", m.shown(), " has no ", b.name));
    }
    if (entry->shape != b.shape) {
      refuse(text(file.path(), ": ", entry->name, " is of shape ", shape_text(entry->shape),
                  ", expected ", shape_text(b.shape)));
    }
    const auto& array = file.arrays()[entry->place];
    array.template require_finite<double>();
    array.read(b.values, b.transposed != entry->reversed);
  };
  layer.for_each_block("", read);
  if constexpr (requires { layer.for_each_buffer("", read); }) layer.for_each_buffer("", read);
}

const std::vector<std::size_t>& weight_shape(const state_module& m) {
  return std::find_if(m.entries.begin(), m.entries.end(),
                      [](const auto& e) { return e.role == "weight"; })
      ->shape;
}

class builder {
 public:
  builder(const array_file& file, const detail::state_modules& modules,
          const sequence_settings& asked)
      : file_(file), asked_(asked) {
    for (const auto& m : modules.all()) left_[kind_of(m, file.path())].push_back(&m);
    for (auto& [kind, of_kind] : left_) {
      ordered_[kind] = detail::put_in_order(of_kind, !detail::alphabetical(modules.all()));
    }
  }

  sequence build(const std::string& layers) {
    net_.file = file_.path();
    net_.text = layers;
    std::istringstream words(layers);
    std::string word;
    if (asked_.image) {
      net_.in = here_ = *asked_.image;
      images_ = known_ = true;
    }
    while (words >> word) add(token(word));
    for (const auto& [kind, of_kind] : left_) {
      if (of_kind.empty()) continue;
      refuse(text(file_.path(), ": ", of_kind.front()->name, " (", kind,
                  ") has no place in --layers ", layers));
    }
    if (net_.layers.empty() || net_.layers.back().is_gate()) {
      refuse("--layers: the last layer gives the outputs and is no gate");
    }
    return std::move(net_);
  }

 private:
  void add(token t) {
    const std::string& kind = t.kind();
    if (kind == "linear") {
      add_linear(t);
    } else if (kind == "conv") {
      add_conv(t);
    } else if (kind == "bn") {
      add_normalization(t);
    } else if (kind == "maxpool" || kind == "avgpool") {
      add_pool(t);
    } else if (kind == "relu" || kind == "leaky") {
      add_gate(t);
    } else if (kind == "flatten") {
      t.finish();
      if (!known_) t.wrong("is above nothing; --image says what the inputs are");
      images_ = false;
      here_ = {here_.size(), 1, 1};
    } else if (kind == "pool") {
      t.wrong("may be maxpool or avgpool");
    } else {
      t.wrong("is none of linear, conv, bn, relu, leaky:c, maxpool, avgpool, flatten");
    }
  }

  const state_module& module_for(token& t) {
    auto& left = left_[t.kind()];
    auto at = left.begin();
    if (const auto name = t.take("name")) {
      at = std::find_if(left.begin(), left.end(), [&](const auto* m) { return m->name == *name; });
      if (at == left.end()) t.wrong("names no module of " + file_.path() + " that is left");
    } else if (left.empty()) {
      t.wrong("is one more than " + file_.path() + " has");
    } else if (left.size() > 1 && !ordered_[t.kind()]) {
      t.wrong(text("may be ", left[0]->name, " or ", left[1]->name, " of ", file_.path(),
                   ": say which, name=..."));
    }
    const auto* const m = *at;
    left.erase(at);
    return *m;
  }

  template <class Layer>
  void push(Layer layer, const std::string& name, const image_shape& out) {
    net_.layers.push_back({std::move(layer), name, out});
    here_ = out;
  }
  // The first layer says how many inputs there are where nobody else does.
  void take_inputs(std::size_t count) {
    if (!known_) net_.in = here_ = {count, 1, 1};
    known_ = true;
  }

  void add_linear(token& t) {
    const auto& m = module_for(t);
    t.finish();
    const auto& shape = weight_shape(m);
    take_inputs(shape[1]);
    if (images_) {
      t.wrong("is above images of " + shape_text(here_) + ": put flatten before it");
    }
    if (here_.size() != shape[1]) {
      t.wrong(text("takes ", shape[1], " numbers (", m.name, " of ", file_.path(),
                   "), the layer below gives ", here_.size()));
    }
    dense<double, dynamic, dynamic, identity> layer(shape[1], shape[0]);
    read_into(layer, m, file_);
    push(std::move(layer), m.name, {shape[0], 1, 1});
  }

  void add_conv(token& t) {
    const auto& m = module_for(t);
    const auto& shape = weight_shape(m);
    convolution_settings s;
    s.filters = shape[0];
    s.size = {shape[2], shape[3]};
    s.stride = t.take_sides("stride", 1);
    s.padding = t.take_sides("padding", 0);
    s.dilation = t.take_sides("dilation", 1);
    s.groups = t.take_count("groups", 1);
    t.finish();
    if (!images_) {
      t.wrong(known_ ? "is above nodes, not images" : "needs --image CxHxW, the inputs' shape");
    }
    if (here_.channels != shape[1] * s.groups) {
      t.wrong(text("takes ", shape[1] * s.groups, " channels (", m.name, " of ", file_.path(),
                   "), the layer below gives ", here_.channels));
    }
    conv2d<double> layer(here_, s);
    read_into(layer, m, file_);
    const auto out = layer.out_image();
    push(std::move(layer), m.name, out);
  }

  void add_normalization(token& t) {
    const auto& m = module_for(t);
    const batch_norm_settings settings{.eps = t.take_number("eps", 1e-5)};
    t.finish();
    if (!known_) t.wrong("is the first layer; --image says what the inputs are");
    if (images_) {
      batch_norm<double, dynamic, image_shape> layer(here_, settings);
      read_into(layer, m, file_);
      push(std::move(layer), m.name, here_);
    } else {
      batch_norm<double> layer(here_.size(), settings);
      read_into(layer, m, file_);
      push(std::move(layer), m.name, here_);
    }
  }

  void add_pool(token& t) {
    const auto size = t.take_count("", 0);
    const pool_settings s{.size = t.take_count("size", size),
                          .stride = t.take_count("stride", 0),
                          .padding = t.take_count("padding", 0)};
    t.finish();
    if (s.size == 0) t.wrong("has no size: " + t.kind() + ":2");
    if (!images_) t.wrong("is above nodes, not images; --image says what the inputs are");
    const auto add_one = [&](auto layer) {
      const auto out = layer.out_image();
      push(std::move(layer), "", out);
    };
    if (t.kind() == "maxpool") {
      add_one(max_pool<double, image_shape>(here_, s));
    } else {
      add_one(average_pool<double, image_shape>(here_, s));
    }
  }

  void add_gate(token& t) {
    double slope = 0;
    if (t.kind() == "leaky") {
      slope = t.take_number("", -1);
      if (!(slope > 0 && slope < 1)) t.wrong("needs its slope in (0, 1): leaky:0.01");
    }
    t.finish();
    if (net_.layers.empty() || net_.layers.back().is_gate()) t.wrong("has no layer below it");
    if (const auto other = gates_ > 0 ? std::optional(net_.slope) : asked_.slope;
        other && *other != slope) {
      t.wrong("is beside " + gate_text(*other) + ": one kind of gate a network is analysed");
    }
    net_.slope = slope;
    ++gates_;
    push(gate_layer{slope}, "", here_);
  }

  const array_file& file_;
  const sequence_settings& asked_;
  std::map<std::string, std::vector<const state_module*>> left_;
  std::map<std::string, bool> ordered_;
  sequence net_;
  image_shape here_;
  bool images_ = false, known_ = false;
  std::size_t gates_ = 0;
};

}  // namespace

sequence read_sequence(const std::string& file, const sequence_settings& settings) {
  const array_file content(file);
  const auto modules = detail::modules_of(content.arrays());
  const std::string layers = settings.layers.empty()
                                 ? guessless_text(modules, file, settings.slope.value_or(0))
                                 : settings.layers;
  return builder(content, modules, settings).build(layers);
}

}  // namespace examples

// Which array of a file is which block of a network.
//
// An array's name is its module and its role: "fc1.weight", "params/Dense_0/kernel". Roles are
// PyTorch's; Flax's and Keras's are renamed:
//
//   weight        kernel of two dimensions (then [in, out]), scale, gamma
//   bias          beta
//   running_mean  mean, moving_mean
//   running_var   var, moving_variance
//
// Modules go to the network's by name where all names agree. Else each goes to one that has blocks
// of the same roles and shapes. Among several such, modules whose names differ in numbers only
// ("fc1", "fc2"; "0", "2") go in the order of their numbers; others in the file's order, unless that
// is the alphabet's, which says nothing: then the caller must name them in order.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include <tutelage/core/errors.hpp>
#include <tutelage/io/named_array.hpp>
#include <utility>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET::detail {

// A block of a network, or an array of a file as the network would show it.
struct state_entry {
  std::string name, role;
  std::vector<std::size_t> shape;
  std::size_t place = 0;  // among the network's blocks, or the file's arrays
  bool reversed = false;  // the file has [in, out]
};

struct state_module {
  std::string name;
  std::vector<state_entry> entries;  // by role
  // The place of PyTorch's num_batches_tracked, which others' files do not have.
  std::optional<std::size_t> count;

  // What errors call it.
  [[nodiscard]] const std::string& shown() const {
    return name.empty() && !entries.empty() ? entries.front().name : name;
  }
  // "weight (50, 100), bias (50,)": what must agree.
  [[nodiscard]] std::string signature() const {
    std::string result;
    for (const auto& e : entries) {
      result += text(result.empty() ? "" : ", ", e.role, " ", shape_text(e.shape));
    }
    return result;
  }
};

class state_modules {
 public:
  void add(const std::string& module, state_entry entry) {
    const auto [at, is_new] = places_.try_emplace(module, modules_.size());
    if (is_new) modules_.push_back({module, {}, {}});
    if (entry.role == "num_batches_tracked" && entry.shape.empty()) {
      modules_[at->second].count = entry.place;
      return;
    }
    auto& entries = modules_[at->second].entries;
    const auto by_role = [](const state_entry& a, const state_entry& b) {
      // Weight before bias, as everybody prints them.
      return std::pair(a.role != "weight", a.role) < std::pair(b.role != "weight", b.role);
    };
    entries.insert(std::upper_bound(entries.begin(), entries.end(), entry, by_role), entry);
  }
  [[nodiscard]] const std::vector<state_module>& all() const noexcept { return modules_; }
  [[nodiscard]] const state_module* find(const std::string& name) const {
    const auto at = places_.find(name);
    return at == places_.end() ? nullptr : &modules_[at->second];
  }

 private:
  std::vector<state_module> modules_;  // in the order in which they came
  std::map<std::string, std::size_t> places_;
};

// "fc1.weight" as "fc1" and "weight"; a name without a dot or slash is a role.
inline std::pair<std::string, std::string> module_and_role(const std::string& name) {
  const auto end = name.find_last_of("./");
  if (end == name.npos) return {"", name};
  return {name.substr(0, end), name.substr(end + 1)};
}

// Throws format_error for an array that is more than renamed.
inline state_modules modules_of(std::span<const named_array> arrays) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 8> renamed{
      {{"scale", "weight"},
       {"gamma", "weight"},
       {"beta", "bias"},
       {"mean", "running_mean"},
       {"moving_mean", "running_mean"},
       {"var", "running_var"},
       {"moving_variance", "running_var"},
       {"kernel", "weight"}}};
  state_modules result;
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    const auto& a = arrays[i];
    auto [module, role] = module_and_role(a.name);
    if (role.ends_with(":0")) role.resize(role.size() - 2);                // Keras
    for (const std::string_view collection : {"params", "batch_stats"}) {  // Flax
      if (module.starts_with(collection) && module.size() > collection.size() &&
          (module[collection.size()] == '/' || module[collection.size()] == '.')) {
        module.erase(0, collection.size() + 1);
        break;
      }
    }
    state_entry entry{a.name, role, a.shape, i};
    if (role == "kernel") {
      if (a.shape.size() != 2) {
        throw format_error(a.file, a.offset, a.name,
                           text("a kernel of shape ", shape_text(a.shape),
                                " needs more than a new name; save it as PyTorch does"));
      }
      std::swap(entry.shape[0], entry.shape[1]);
      entry.reversed = true;
    }
    for (const auto& [from, to] : renamed) {
      if (role == from) entry.role = to;
    }
    result.add(module, std::move(entry));
  }
  return result;
}

// "fc10" after "fc9".
inline bool natural_less(std::string_view a, std::string_view b) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  std::size_t i = 0, k = 0;
  while (i < a.size() && k < b.size()) {
    if (digit(a[i]) && digit(b[k])) {
      while (i < a.size() && a[i] == '0') ++i;
      while (k < b.size() && b[k] == '0') ++k;
      const std::size_t a0 = i, b0 = k;
      while (i < a.size() && digit(a[i])) ++i;
      while (k < b.size() && digit(b[k])) ++k;
      const auto left = a.substr(a0, i - a0), right = b.substr(b0, k - b0);
      if (left.size() != right.size()) return left.size() < right.size();
      if (left != right) return left < right;
    } else {
      if (a[i] != b[k]) return a[i] < b[k];
      ++i, ++k;
    }
  }
  return a.size() - i < b.size() - k;
}

// A name without its numbers; "dense" and "dense_1" have the same.
inline std::string stem(std::string_view name) {
  std::string result;
  for (const char c : name) {
    const bool digit = c >= '0' && c <= '9';
    if (!digit || !result.ends_with('#')) result += digit ? '#' : c;
  }
  if (result.ends_with('#')) result.pop_back();
  if (result.ends_with('_')) result.pop_back();
  return result;
}

// Puts modules in the order of their numbers where they differ in nothing else. Are they in order?
inline bool put_in_order(std::vector<const state_module*>& modules, bool files_order_counts) {
  const bool one_stem = std::all_of(modules.begin(), modules.end(), [&](const auto* m) {
    return stem(m->name) == stem(modules.front()->name);
  });
  if (one_stem) {
    std::stable_sort(modules.begin(), modules.end(),
                     [](const auto* a, const auto* b) { return natural_less(a->name, b->name); });
  }
  return one_stem || files_order_counts;
}

inline bool alphabetical(const std::vector<state_module>& modules) {
  return std::is_sorted(modules.begin(), modules.end(),
                        [](const auto& a, const auto& b) { return a.name < b.name; });
}

inline const state_module& module_named(const state_modules& of_file, const std::string& name,
                                        const std::string& file) {
  const state_module* const found = of_file.find(name);
  if (found == nullptr) throw format_error(file, 0, name, "is no module of the file");
  return *found;
}

// For each of the network's modules the file's. Throws format_error when there is none, one too
// many, or one of other roles or shapes.
inline std::vector<const state_module*> match(const state_modules& of_network,
                                              const state_modules& of_file,
                                              const std::vector<std::string>& order,
                                              const std::string& file) {
  const auto& wanted = of_network.all();
  const auto& there = of_file.all();
  std::vector<const state_module*> result(wanted.size(), nullptr);
  const bool by_name = order.empty() && std::all_of(there.begin(), there.end(), [&](const auto& m) {
                         return of_network.find(m.name) != nullptr;
                       });
  if (by_name || !order.empty()) {
    if (!order.empty() && order.size() != wanted.size()) {
      throw argument_error(
          text("load: ", order.size(), " modules are named, the network has ", wanted.size()));
    }
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      result[i] = by_name ? of_file.find(wanted[i].name) : &module_named(of_file, order[i], file);
    }
  } else {
    std::map<std::string, std::vector<const state_module*>> kinds;
    for (const auto& m : there) kinds[m.signature()].push_back(&m);
    std::map<std::string, std::size_t> used, wanted_of_kind;
    for (const auto& m : wanted) ++wanted_of_kind[m.signature()];
    for (auto& [kind, modules] : kinds) {
      if (modules.size() > 1 && wanted_of_kind[kind] == modules.size() &&
          !put_in_order(modules, !alphabetical(there))) {
        throw format_error(
            file, 0, modules[0]->name,
            text("could change places with ", modules[1]->name,
                 "; name the modules in the network's order: load(path, network, {\"",
                 modules[0]->name, "\", ...})"));
      }
    }
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      const auto kind = kinds.find(wanted[i].signature());
      auto& next = used[wanted[i].signature()];
      if (kind != kinds.end() && next < kind->second.size()) result[i] = kind->second[next++];
    }
  }

  // What is left on either side.
  std::set<const state_module*> matched(result.begin(), result.end());
  const auto surplus = std::find_if(there.begin(), there.end(),
                                    [&](const auto& m) { return matched.count(&m) == 0; });
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const auto takes = text("'", wanted[i].name, "' of the network takes ", wanted[i].signature());
    const state_module* const got = result[i];
    if (got == nullptr && surplus == there.end()) {
      throw format_error(file, 0, wanted[i].entries.front().name,
                         text("is missing: ", takes, ", and the file has no more"));
    }
    const state_module& m = got == nullptr ? *surplus : *got;
    if (got == nullptr || m.signature() != wanted[i].signature()) {
      throw format_error(file, 0, m.shown(), text("has ", m.signature(), ", ", takes));
    }
  }
  if (surplus != there.end()) {
    throw format_error(file, 0, surplus->shown(),
                       text("has ", surplus->signature(), ", the network has no place for it"));
  }
  return result;
}

// The modules of a multilayer perceptron, from the input up: each gives what the next takes.
inline std::vector<const state_module*> mlp_modules(const state_modules& of_file,
                                                    const std::vector<std::string>& order,
                                                    const std::string& file) {
  std::vector<const state_module*> result;
  for (const auto& name : order) result.push_back(&module_named(of_file, name, file));
  if (order.empty()) {
    for (const auto& m : of_file.all()) result.push_back(&m);
  }
  if (result.empty()) throw format_error(file, 0, "arrays", "there are none");
  for (const auto* m : result) {
    const auto& e = m->entries;
    if (e.size() != 2 || e[0].role != "weight" || e[0].shape.size() != 2 || e[1].role != "bias" ||
        e[1].shape != std::vector{e[0].shape[0]}) {
      throw format_error(file, 0, m->shown(),
                         text("has ", m->signature(),
                              ", expected the weight [out, in] and the bias [out] of a layer"));
    }
  }
  const auto takes = [](const state_module* m) { return m->entries[0].shape[1]; };
  const auto gives = [](const state_module* m) { return m->entries[0].shape[0]; };
  const auto first_break = [&](const auto& modules) {
    std::size_t i = 1;
    while (i < modules.size() && takes(modules[i]) == gives(modules[i - 1])) ++i;
    return i;
  };
  bool ordered = !order.empty() || put_in_order(result, false);
  if (!ordered) {
    const auto in_file = result;
    std::vector<std::vector<const state_module*>> fitting;
    constexpr std::size_t most = 8;  // of which all orders are tried
    if (result.size() <= most) {
      std::sort(result.begin(), result.end());
      do {
        if (first_break(result) == result.size()) fitting.push_back(result);
      } while (fitting.size() < 2 && std::next_permutation(result.begin(), result.end()));
    }
    ordered = fitting.size() == 1;
    result = ordered ? fitting.front() : in_file;
    if (!alphabetical(of_file.all()) && first_break(in_file) == in_file.size()) ordered = true;
  }
  if (!ordered) {
    throw format_error(file, 0, result.front()->name,
                       "names and widths do not tell the layers' order; name them in order");
  }
  const std::size_t i = first_break(result);
  if (i < result.size()) {
    throw format_error(file, 0, result[i]->name,
                       text("takes ", takes(result[i]), " inputs, ", result[i - 1]->name, " gives ",
                            gives(result[i - 1])));
  }
  return result;
}

}  // namespace tutelage::detail

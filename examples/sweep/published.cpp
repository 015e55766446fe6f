#include "sweep/published.hpp"

#include <numeric>

namespace examples {

namespace {

std::vector<std::uint64_t> seeds_up_to(std::uint64_t last) {
  std::vector<std::uint64_t> seeds(last);
  std::iota(seeds.begin(), seeds.end(), 1);
  return seeds;
}

sweep_plan two_layer(bool quick) {
  sweep_plan plan;
  plan.axes = {{"teacher", {"100-5-50", "100-10-50", "100-20-50"}},
               {"over-realization", {"1", "2", "5", "10"}},
               {"polarity", {"0", "0.5", "1", "1.5", "2", "2.5"}}};
  if (quick) {
    plan.axes[0].values = {"100-10-50", "100-20-50"};
    plan.axes[2].values = {"0", "1", "2"};
    plan.flags["epochs"] = {"20"};
  }
  // What the figures are drawn from: of each epoch the loss and every teacher node's correlation, of
  // the student nodes at the end correlation and fan-out norm.
  plan.keep = {"train_loss", "eval_loss", "rho_mean", "covered", "history", "students"};
  return plan;
}

sweep_plan deep(bool quick) {
  sweep_plan plan;
  plan.axes = {{"over-realization", {"1", "2", "5", "10", "20", "50"}}};
  plan.flags["teacher"] = {"20-10-15-20-25-100"};
  if (quick) {
    plan.axes[0].values = {"1", "2", "5"};
    plan.flags["epochs"] = {"10"};
    plan.flags["samples"] = {"10000"};
    plan.flags["eval-samples"] = {"2000"};
  }
  plan.keep = {"train_loss", "eval_loss", "rho_mean", "covered", "history"};
  return plan;
}

sweep_plan samples(bool quick) {
  sweep_plan plan;
  plan.axes = {{"samples", {"1000", "2000", "5000", "10000", "20000", "50000", "100000"}},
               {"loss", {"mse", "cross-entropy"}}};
  plan.flags["teacher"] = {"100-50-75-100-125-50"};
  plan.flags["over-realization"] = {"2"};
  if (quick) {
    plan.axes[0].values = {"500", "2000"};
    plan.flags["teacher"] = {"20-10-15-20-25-20"};
    plan.flags["epochs"] = {"10"};
    plan.flags["eval-samples"] = {"2000"};
  }
  plan.keep = {"train_loss", "eval_loss", "rho_mean", "rho_mean_by_layer", "covered", "history"};
  return plan;
}

}  // namespace

sweep_plan published_sweep(const std::string& name, bool quick) {
  sweep_plan plan = name == "two-layer" ? two_layer(quick)
                    : name == "deep"    ? deep(quick)
                                        : samples(quick);
  plan.program = "specialization";
  plan.flags["published"] = {name == "two-layer" ? "two-layer" : "deep"};
  plan.flags["no-analyses"] = {};
  plan.seeds = seeds_up_to(quick ? 2 : 32);
  return plan;
}

}  // namespace examples

// What the page says of each network.
#include <algorithm>
#include <cmath>
#include <iterator>

#include "inspect/html.hpp"

namespace examples {

namespace {

// A batch normalization's biases, as arXiv:1905.13405, Figure 6, has them.
void add_normalization(page& out, const normalization& b) {
  const std::size_t all = b.beta.size();
  const auto negative = static_cast<std::size_t>(
      std::count_if(b.beta.begin(), b.beta.end(), [](double x) { return x < 0; }));
  std::string sentence =
      !b.below_gate
          ? "No gate follows directly, so that these biases are no thresholds: they shift what the "
            "next layer takes, and say nothing of how rarely nodes are active."
      : 2 * negative > all
          ? "What is normalized has mean 0, so a negative bias lets less than half of it through "
            "the "
            "gate. Most are negative: nodes are active rarely and seldom together, which the "
            "theory "
            "of weakly overlapping nodes assumes (arXiv:1905.13405, Assumption 3)."
          : "What is normalized has mean 0, so a negative bias lets less than half of it through "
            "the "
            "gate. Most are not negative: nodes are active often and together, and theorems that "
            "assume weak overlap (arXiv:1905.13405, Assumption 3) are far from their conditions.";
  out.fact("negative biases of batch norm " + b.name, of(negative, all), sentence);
  std::vector<double> places;
  for (const auto& place : boundaries_of(b)) {
    if (place) places.push_back(*place);
  }
  if (b.below_gate && !places.empty()) {
    std::vector<double> sorted = places;
    std::sort(sorted.begin(), sorted.end());
    const double middle = sorted[sorted.size() / 2];
    out.fact(
        "median boundary of batch norm " + b.name, format("%.3g", middle),
        format("The gate opens where what is normalized is more than so many deviations above "
               "its mean (-beta / |gamma|, mirrored where gamma is negative): were it normally "
               "distributed, %.3g%% of the time. Compare how often the gates are open above.",
               50 * std::erfc(middle / std::sqrt(2.0))));
  }
  out.figure(value_histogram(b.beta, "bias beta", "how many"),
             "Biases of batch norm " + b.name + ". Blue is negative, orange positive or 0.");
  if (!b.below_gate) return;
  out.figure(
      value_histogram(places, "boundary -beta / |gamma|, in deviations", "how many"),
      places.size() == all
          ? "Where the gates open. Orange ones, at 0 and above, pass at most half of a normal "
            "distribution."
          : format("Where the gates open; %zu with gamma 0 have no boundary: their gate never "
                   "changes.",
                   all - places.size()));
}

}  // namespace

void add_network(page& out, const network_facts& n, std::size_t samples, const units& u) {
  out.part("The " + n.role + ": " + joined(n.widths) + ", " + n.file);
  if (!n.text.empty() && !n.normalizations.empty()) out.line("Its layers, read as: " + n.text);
  if (n.regions) {
    out.fact(
        "regions visited", of(*n.regions, samples),
        *n.regions == samples
            ? "Every sample lies in a linear region of its own: the network bends between any two "
              "of them."
            : "The samples share this many linear regions; within one the network is an affine "
              "map, so fewer regions are a simpler function on these inputs.");
  }
  if (n.groups) {
    const auto& g = *n.groups;
    out.fact("co-linear groups of the lowest layer", of(g.groups, n.widths[1]),
             g.groups + g.constant == n.widths[1]
                 ? "No two nodes of the lowest layer are multiples of each other: none can be "
                   "merged."
                 : format("Nodes that are multiples to within %g do the same work: the largest "
                          "group has %zu nodes, and merging each group leaves the function as it "
                          "is.",
                          g.tolerance, g.largest));
  }
  out.fact("mean square of an output", format("%.4g", n.mean_square),
           "The scale that errors of the outputs are to be read against.");
  if (n.accuracy) {
    out.fact("accuracy on the labels", percent(*n.accuracy),
             format("The largest output is the label this often; guessing would reach %.3g%%.",
                    100.0 / static_cast<double>(n.widths.back())));
  }
  if (n.cross_entropy) {
    const double chance = std::log(static_cast<double>(n.widths.back()));
    out.fact("cross entropy on the labels", format("%.4g", *n.cross_entropy),
             format("Equal probabilities for all outputs have %.4g; %s.", chance,
                    *n.cross_entropy < chance ? "less is knowledge of the labels"
                                              : "this is no better, so the network is wrong with "
                                                "confidence or was not trained for these labels"));
  }
  if (n.squared_loss) {
    out.fact("loss against the targets", format("%.4g", *n.squared_loss),
             "Half the mean squared distance to the targets; 0 is a perfect fit on these inputs.");
  }
  for (std::size_t l = 0; l < n.layers.size(); ++l) {
    const auto& open = n.layers[l].open;
    const auto shut = static_cast<std::size_t>(std::count(open.begin(), open.end(), 0.0));
    const auto always = static_cast<std::size_t>(std::count(open.begin(), open.end(), 1.0));
    out.fact(u.many + " never open" + layer_text(l + 1), of(shut, open.size()),
             shut == 0
                 ? "Every " + u.one + " is active on some sample: none is dead on these inputs."
                 : "These " + u.many +
                       " are never active here: with ReLU they give 0 and can be left "
                       "out on such inputs.");
    out.fact(u.many + " always open" + layer_text(l + 1), of(always, open.size()),
             always == 0
                 ? "No " + u.one + " is linear on all samples: each one's boundary lies among them."
                 : "These " + u.many +
                       " are linear on these inputs: their boundaries lie outside "
                       "the data and the gate does nothing.");
  }
  for (std::size_t l = 0; l < n.layers.size(); ++l) {
    const auto& layer = n.layers[l];
    out.figure(histogram(layer.open, "percent of the samples with the gate open", u.many),
               "How often the gates are open" + layer_text(l + 1) + ".");
    std::vector<point> points;
    for (std::size_t k = 0; k < layer.fan_in.size(); ++k) {
      points.push_back({layer.fan_in[k], layer.fan_out[k], layer.open[k] > 0,
                        u.one + format(" %zu, open at %.1f%%", k, 100 * layer.open[k])});
    }
    out.figure(scatter(points, "norm of the weights in", "norm of the weights out"),
               "Near either axis a " + u.one +
                   " contributes little. Red rings are never open. Point at one for its number.");
  }
  for (const auto& b : n.normalizations) add_normalization(out, b);
}

}  // namespace examples

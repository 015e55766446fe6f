// The report as one page. Every number is followed by what it means and what to conclude.
#include "inspect/html.hpp"

namespace examples {

std::string to_html(const question& asked, const findings& found) {
  std::string below = format("%zu samples of ", found.samples) + asked.inputs +
                      "; hidden nodes are " +
                      (found.slope > 0 ? format("leaky ReLU with slope %g", found.slope) : "ReLU") +
                      ". The numbers are in results.json.";
  const facts& main = found.main();
  page out(asked.taught()             ? "A student beside its teacher"
           : main.networks.size() > 1 ? "Two students"
                                      : "A network",
           below);
  const units nodes{"node", "nodes"}, channels{"channel", "channels"};
  const units& shown = found.nodes || !found.images ? nodes : channels;
  out.section("networks", "Networks", "Each network by itself on the inputs.");
  if (!found.nodes) {
    out.line(
        "Layers are analysed, and not as dense ones: " + found.reason +
        ". What needs dense layers is left out: weights, E[A] and E[B], observers, certificates, "
        "pruning, order of nodes.");
  } else if (found.channels) {
    out.line(
        "Layers between gates are linear, so that the networks were folded into dense layers, "
        "exactly but for rounding: a node is a channel at one position. Channels are compared "
        "below.");
  }
  for (const auto& n : main.networks) add_network(out, n, found.samples, shown);
  if (main.pair) {
    const auto& p = *main.pair;
    add_losses(out, asked, p);
    add_matches(out, asked, p, shown, "matches");
    if (found.nodes) add_weights(out, p);
    if (found.nodes) add_order(out, p);
    if (p.analyses) {
      add_expectations(out, p);
      add_gradients(out, p.analyses->critical);
      add_observers(out, p.layers);
      add_certificates(out, *p.analyses, p.layers.size() == 1);
      add_pruning(out, p.analyses->pruning);
    } else if (asked.taught()) {
      add_gradients_of_channels(out, p);
    }
    add_similarity(out, main, shown, "similarity");
  }
  if (found.nodes && found.channels && found.channels->pair) {
    add_matches(out, asked, *found.channels->pair, channels, "channels");
    add_similarity(out, *found.channels, channels, "channel-similarity");
  }
  return out.whole();
}

}  // namespace examples

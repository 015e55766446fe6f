// What the page says of a pair.
#include <algorithm>
#include <cmath>
#include <iterator>

#include "inspect/html.hpp"

namespace examples {

void add_losses(page& out, const question& asked, const pair_facts& p) {
  out.section("losses", "Losses", "How far apart the outputs of the two networks are.");
  out.fact("loss", format("%.4g", p.loss),
           "Half the mean squared distance between the outputs; 0 where both compute the same on "
           "these inputs.");
  if (!p.relative) return;
  const char* const student = asked.taught() ? "the student" : "the second";
  out.fact(
      "share of the variation", percent(*p.relative),
      std::string("The squared distance over what the first network's outputs vary: ") +
          (*p.relative < 1e-3 ? std::string(student) + " computes nearly the same function here."
           : *p.relative < 0.5
               ? std::string(student) + " has part of the function."
               : std::string(student) + " is hardly better than a constant, or worse."));
}

void add_matches(page& out, const question& asked, const pair_facts& p, const units& u,
                 const std::string& id) {
  const std::string first = asked.taught() ? "teacher" : "first student's";
  out.section(id, "Correlations and matches of " + u.many,
              "Each " + u.one + " of the first network is matched with the " + u.one +
                  " of the second whose activation correlates most with its own over the samples" +
                  (u.one == "node" ? "." : " and positions."));
  for (std::size_t l = 0; l < p.layers.size(); ++l) {
    const auto& m = p.layers[l].matches;
    const std::size_t covered = m.covered[last_threshold];
    out.part(format("Hidden layer %zu", l + 1));
    out.fact("rho_mean", format("%.4f", m.rho_mean),
             m.rho_mean > 0.95
                 ? "The mean best correlation: nearly every " + u.one + " has its counterpart."
             : m.rho_mean > 0.7
                 ? std::string(
                       "The mean best correlation: counterparts are recognizable, but not exact.")
                 : "The mean best correlation: most " + u.many +
                       " have no counterpart; the two represent this layer differently, or one's "
                       "work is split among several.");
    out.fact(format("covered above %g", thresholds[last_threshold]), of(covered, m.teachers.size()),
             covered == m.teachers.size()
                 ? "Every " + first + " " + u.one + " has a " + u.one + " that does its work."
                 : "The others are not learned by any single " + u.one + " at this threshold.");
    std::vector<point> points;
    for (std::size_t k = 0; k < m.students.size(); ++k) {
      const auto& s = m.students[k];
      points.push_back({s.correlation, s.fan_out_norm, s.correlation > thresholds[last_threshold],
                        u.one + format(" %zu, nearest %zu", k, s.best_teacher)});
    }
    out.figure(
        heat_map(p.layers[l].rho, asked.taught() ? "teacher " + u.one : u.one + " of the first",
                 asked.taught() ? "student " + u.one : u.one + " of the second", 1),
        "Correlations. One red cell in a row is a match; several share the work.");
    out.figure(scatter(points, "best correlation", "norm of the weights out"),
               "Filled ones are matched. Red rings low down are unmatched and do little: they can "
               "be pruned.");
    // Weights are compared where both networks' see the same inputs.
    const bool compared = m.teachers.front().angle.has_value();
    std::vector<std::vector<std::string>> lines{
        {first + " " + u.one, "fan-out", "best match", "rho", "matches"}};
    if (compared) lines[0].insert(lines[0].end(), {"angle (deg)", "bias gap"});
    for (const std::size_t j : by_strength(m)) {
      const auto& t = m.teachers[j];
      if (lines.size() > 20) break;
      lines.push_back({std::to_string(j), format("%.4f", t.fan_out_norm),
                       std::to_string(t.best_student), format("%.4f", t.correlation),
                       std::to_string(t.matches[last_threshold])});
      if (!compared) continue;
      lines.back().push_back(t.angle ? format("%.3f", *t.angle * 180 / M_PI) : "-");
      lines.back().push_back(t.bias_gap && std::isfinite(*t.bias_gap) ? format("%.4f", *t.bias_gap)
                                                                      : "-");
    }
    out.table(lines);
  }
}

void add_weights(page& out, const pair_facts& p) {
  const auto& teachers = p.layers[0].matches.teachers;
  std::vector<double> angles;
  double gap = 0;
  for (const auto& t : teachers) {
    angles.push_back(t.angle.value_or(M_PI / 2) * 180 / M_PI);
    if (t.bias_gap && std::isfinite(*t.bias_gap)) gap = std::max(gap, *t.bias_gap);
  }
  const double largest = *std::max_element(angles.begin(), angles.end());
  out.section(
      "weights", "Alignment of weights",
      "The lowest layer's weights see the same inputs in both networks, so that they can be "
      "compared directly: angles between matched nodes, and gaps of biases over the norms.");
  out.fact("largest angle of a match", format("%.3f degrees", largest),
           largest < 5
               ? "Every matched pair points in nearly one direction: the correlation is not "
                 "an accident of these inputs."
               : "Some node correlates with one of another direction: on other inputs "
                 "the two may differ.");
  out.fact("largest bias gap of a match", format("%.4f", gap),
           gap < 0.1 && largest < 5 ? "The boundaries are at nearly the same places."
           : gap < 0.1
               ? "Offsets of boundaries agree; where they are depends on the "
                 "directions, which do not."
               : "Some matched boundaries are parallel at best: they lie apart by so much.");
  out.figure(bars(angles, "node of the first network", "angle of its match (degrees)"),
             "Angles of the matched pairs.");
}

void add_expectations(page& out, const pair_facts& p) {
  out.section(
      "expectations", "The gradient rule",
      "g = D [A f* - B f + remainders]: A couples student nodes to teacher nodes, B to each "
      "other. Means over the samples.");
  for (std::size_t l = 0; l < p.layers.size(); ++l) {
    const auto& layer = p.layers[l];
    double error = 0, size = 0;
    for (const double v : layer.A.error) error = std::max(error, v);
    for (const double v : layer.A.mean) size = std::max(size, std::abs(v));
    out.part(format("Hidden layer %zu", l + 1));
    out.fact("largest entry of E[A]", format("%.4g", size),
             "How strongly the teacher pulls the student node that it pulls most; entries near 0 "
             "are pairs that do not act on each other.");
    out.fact("largest sampling error in E[A]",
             std::isfinite(error) ? format("%.3g", error) : "unknown",
             !std::isfinite(error) ? "One sample alone says nothing about errors."
             : error == 0 ? "V is the same at every sample: E[A] is exact, as in two layers."
             : error < 0.1 * size
                 ? "One standard deviation: the matrix is known well from these samples."
                 : "One standard deviation: take more samples before reading small entries.");
    out.fact("mean squared gradient norm", format("%.4g", layer.mean_squared_gradient_norm),
             "E |g|^2 at the nodes of this layer: 0 where the student has nothing left to learn "
             "from any sample.");
    out.figure(
        heat_map(layer.A.mean, "student node", "teacher node"),
        "E[A]. A red cell pulls a student node to a teacher node, a blue one pushes it away.");
    out.figure(
        heat_map(layer.B.mean, "student node", "student node"),
        "E[B]. Off the diagonal: student nodes that work on the same outputs, together (red) "
        "or against each other (blue).");
  }
}

void add_gradients(page& out, const critical_section& s) {
  out.section(
      "critical", "Critical points",
      "At a critical point of SGD that interpolates, the gradient of every sample vanishes, "
      "at every layer.");
  std::vector<double> medians;
  std::vector<std::string> names;
  double largest = 0;
  for (std::size_t l = 0; l < s.layers.size(); ++l) {
    largest = std::max(largest, s.layers[l].max);
    medians.push_back(s.layers[l].percentile_99);
    names.push_back(format("layer %zu", l + 1));
    out.fact(format("largest gradient, layer %zu", l + 1), format("%.4g", s.layers[l].max),
             format("Half of the samples have at most %.3g. ", s.layers[l].median) +
                 (s.layers[l].max < 1e-6 ? "No sample moves this layer: it is at a critical point."
                                         : "The student still learns from some samples here."));
  }
  if (largest > 0) {
    out.figure(bars(medians, "", "gradient, 99th percentile", 0, names),
               "What 99 of 100 samples stay below, a layer.");
  }
}

void add_observers(page& out, const std::vector<pair_layer>& layers) {
  out.section("observers", "Observers",
              "A student node that is active on a teacher node's boundary observes it: only then "
              "its gradient can tell that the teacher bends there. Counted on the samples.");
  for (std::size_t l = 0; l < layers.size(); ++l) {
    if (!layers[l].observers) continue;
    const auto& s = *layers[l].observers;
    std::size_t seen = 0, two_sided = 0;
    std::vector<double> kappas;
    for (const auto& t : s.teachers) {
      seen += t.best_observer.has_value();
      two_sided += t.two_sided > 0;
      kappas.push_back(t.kappa);
    }
    out.part(format("Hidden layer %zu", l + 1));
    out.fact(
        "observed teacher nodes", of(seen, s.teachers.size()),
        seen == s.teachers.size()
            ? "Every teacher node's boundary is seen by a student node: the recovery theorems can "
              "apply to all of them."
            : "Gradients say nothing of the others: more inputs near their boundaries are "
              "needed, or more student nodes.");
    out.fact("observed from both sides", of(two_sided, s.teachers.size()),
             two_sided == s.teachers.size()
                 ? "Each best observer is active on samples on both sides of the boundary: it sees "
                   "the kink itself."
                 : "The others' best observers are active on one side only: their gradients see "
                   "a linear function there and cannot tell where it bends.");
    out.fact("tau", format("%.3f", s.tau),
             s.tau > 0
                 ? "The least share of the near samples at which a teacher's boundary is visible: "
                   "the larger, the stronger the proofs."
                 : "Some teacher's boundary has no visible sample near it.");
    out.figure(bars(kappas, "teacher node", "kappa of the best observer", 1),
               format("Share of the samples within %g of the boundary on which the best observer "
                      "is active, in layer %zu's own inputs.",
                      s.eps, l + 1));
  }
}

// Witnesses are searched for in two layers only.
void add_certificates(page& out, const sections& s, bool two_layers) {
  out.section("certificates", "Certificates and witnesses",
              "What gradients prove of the student's boundaries, first from these samples alone, "
              "then by the theorems' bounds.");
  if (s.local) {
    std::vector<double> shares;
    std::size_t holds = 0;
    double bound = 0;
    for (const auto& t : s.local->teachers) {
      holds += t.bound.has_value();
      bound = std::max(bound, t.bound.value_or(0));
      shares.push_back(t.share);
    }
    out.fact("proved by gradients alone", of(holds, shares.size()),
             holds == 0
                 ? "No boundary is proved near a teacher's: gradients are too large, or "
                   "samples too far from the boundaries."
                 : "For so many teacher nodes the gradients at samples near the boundary can "
                   "only be that small with a student's boundary nearby.");
    if (holds > 0) {
      out.fact(
          "how near that is proved to be", format("%.3g", bound),
          "The largest of the teacher nodes' medians, in the inputs' units: only a bound that is "
          "small beside the inputs' spread says that the boundaries are one.");
    }
    out.figure(bars(shares, "teacher node", "share proved", 1),
               "Share of the samples nearest to each teacher's boundary at which a student's "
               "boundary is proved.");
  }
  if (!s.bounds) {
    out.fact("bounds", "none",
             "There are too few samples to say how crowded bands of the inputs are.");
    return;
  }
  std::size_t holds = 0, witnesses = 0;
  double gap = 0;
  for (const auto& t : s.bounds->teachers) {
    holds += t.failing.empty();
    witnesses += t.witness.has_value();
    gap = std::max(gap, t.student_gap);
  }
  const std::size_t all = s.bounds->teachers.size();
  out.fact("certified by the bounds", of(holds, all),
           holds > 0
               ? format("To within eps %g, as far as how crowded the inputs are (eta) was found "
                        "by search: an estimate, no proof.",
                        s.bounds->eps)
               : format("None to within eps %g. The bounds hold for every data set and ask for "
                        "far more samples or smaller gradients; this proves no misalignment.",
                        s.bounds->eps));
  out.fact("largest gap seen", std::isfinite(gap) ? format("%.3g", gap) : "infinite",
           gap <= s.bounds->eps
               ? "On the weights themselves every teacher boundary coincides with a student's to "
                 "within this."
               : "On the weights themselves some teacher boundary has no student's within eps.");
  if (!two_layers) return;
  out.fact(
      "witnesses", of(witnesses, all),
      witnesses == 0
          ? "No sample shows a kink of an unmatched teacher node."
          : "At a sample near these teacher nodes' boundaries a gradient bends that could not if "
            "a student's boundary were exactly there: the match is not exact.");
}

void add_pruning(page& out, const pruning_section& s) {
  out.section("pruning", "Pruning", "What of the student's lowest layer can go.");
  out.fact("nodes after merging", std::to_string(s.merged_width),
           format("Merging co-linear nodes (to within %g) changes the outputs by %.2g%% of their "
                  "deviation.",
                  s.tolerance, 100 * s.merged_change));
  out.fact("unmatched nodes", std::to_string(s.unmatched),
           s.unmatched == 0 ? "Every student node does some teacher node's work."
           : s.pruned_change
               ? format("Leaving them out changes the outputs by %.2g%% of their deviation: %s.",
                        100 * *s.pruned_change,
                        *s.pruned_change < 0.05 ? "they can go" : "they are needed")
               : std::string("No student node is matched, so none can be kept by this rule."));
  if (s.unmatched > 0 && s.pruned_change) {
    out.fact("strength of the strongest unmatched node", percent(s.unmatched_strength),
             "Of a matched node's median strength: near 0 the theory's claim holds that unmatched "
             "nodes fade.");
  }
  if (s.kink && s.kink_bound && std::isfinite(*s.kink_bound)) {
    out.fact("kinks without a teacher", format("%.3g", *s.kink),
             format("What groups of student nodes without a teacher still bend; gradients prove at "
                    "most %.3g.",
                    *s.kink_bound));
  }
}

void add_similarity(page& out, const facts& found, const units& u, const std::string& id) {
  const auto& p = *found.pair;
  out.section(id, "Similarity of representations",
              "CCA, SVCCA and CKA compare layers as a whole, whatever the single " + u.many +
                  " do; on " + format("the first %zu samples", found.similarity_samples) +
                  (u.one == "node" ? "." : ", each position one more."));
  for (std::size_t l = 0; l < p.layers.size(); ++l) {
    const auto& layer = p.layers[l];
    out.part(format("Hidden layer %zu", l + 1));
    out.fact("mean canonical correlation", format("%.4f", layer.cca),
             layer.cca > 0.95
                 ? "The smaller layer's span is contained in the other's: what one "
                   "knows the other can read out linearly."
                 : "Part of what one layer represents cannot be read out of the other.");
    out.fact("SVCCA", format("%.4f", layer.svcca),
             "The same for the directions that carry 99% of the variance: noise directions are "
             "left out.");
    out.fact("linear CKA", format("%.4f", layer.cka),
             layer.cka > 0.9
                 ? "The layers agree in what is strong in them as well."
                 : "The layers weigh their directions differently, even where CCA is high.");
    out.figure(bars(layer.canonical, "canonical direction", "correlation", 1),
               "Canonical correlations, largest first.");
  }
}

// What of the gradient rule holds whatever the layers are.
void add_gradients_of_channels(page& out, const pair_facts& p) {
  out.section("critical", "Gradients",
              "g = V^T (f* - f) at the gates, V being the outputs' Jacobian at each sample. At a "
              "critical point of SGD that interpolates it vanishes at every sample.");
  for (std::size_t l = 0; l < p.layers.size(); ++l) {
    const auto& layer = p.layers[l];
    out.fact("mean squared gradient norm" + layer_text(l + 1),
             format("%.4g", layer.mean_squared_gradient_norm),
             "E |g|^2 over all nodes of this layer: 0 where the student has nothing left to learn "
             "from any sample.");
    out.fact("largest gradient" + layer_text(l + 1), format("%.4g", layer.max_gradient),
             layer.max_gradient < 1e-6 ? "No sample moves this layer: it is at a critical point."
                                       : "The student still learns from some samples here.");
  }
}

void add_order(page& out, const pair_facts& p) {
  out.section("permutation", "Order of nodes",
              "A network's function does not change when its nodes change places or scales. Here "
              "the second network's are put in the first one's order and scale, layer by layer, so "
              "that weights agree as far as they can (arXiv:2209.04836).");
  if (!p.order) {
    out.line("Not done: it needs hidden layers of equal widths in both networks.");
    return;
  }
  const auto& o = *p.order;
  out.fact("agreement of weights", format("%.4f", o.agreement),
           o.agreement > 0.99 ? "The two are one network but for order and scale of their nodes."
           : o.agreement > 0.5
               ? "Many nodes have a counterpart with similar weights; the others found weights of "
                 "their own."
               : "Weights agree little in any order: whatever the two share is not in single "
                 "nodes' weights.");
  out.fact("nodes that change places", std::to_string(o.moved),
           o.moved == 0 ? "The order found is the files' own."
                        : "So many nodes stand elsewhere in the second network; results.json has "
                          "the order.");
  const std::string scale =
      p.relative && p.loss > 0
          ? format(" (%.3g%% of the variation)", 100 * o.aligned_middle * *p.relative / p.loss)
          : std::string();
  out.fact(
      "loss half way, aligned", format("%.4g", o.aligned_middle),
      format("Half the mean squared distance to the first network of the one whose weights "
             "are the mean of both%s; in the files' order it is %.4g. ",
             scale.c_str(), o.middle) +
          (o.aligned_middle <= std::max(p.loss, 1e-12)
               ? "No larger than at the end: there is no barrier half way, the two lie in one "
                 "valley up to order and scale."
               : "Larger than at the end: a barrier stays between them on the straight line."));
}

}  // namespace examples

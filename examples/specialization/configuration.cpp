#include "specialization/configuration.hpp"

namespace examples {

nlohmann::json describe_options(const options& o) {
  nlohmann::json rates = nlohmann::json::object();
  for (const auto& [epoch, rate] : o.learning_rate) rates[std::to_string(epoch)] = rate;
  return {{"teacher", o.teacher},
          {"student", o.student()},
          {"over_realization", o.over_realization},
          {"polarity", o.polarity},
          {"leaky", o.leaky},
          {"teacher_values", o.teacher_values},
          {"teacher_bias", o.teacher_bias},
          {"input", o.input},
          {"std", o.std},
          {"samples", o.samples},
          {"eval_samples", o.eval_samples},
          {"student_init", o.student_init},
          {"loss", o.loss},
          {"learning_rate", rates},
          {"batch", o.batch},
          {"steps_per_epoch", o.steps_per_epoch},
          {"epochs", o.epochs},
          {"seeds", o.seeds},
          {"scalar", o.scalar}};
}

std::string configuration_of(const options& o, std::uint64_t seed) {
  auto settings = describe_options(o);
  settings.erase("seeds");
  settings["seed"] = seed;
  if (o.reads_images()) settings["teacher_epochs"] = o.teacher_epochs;
  std::string text;
  for (const auto& [name, value] : settings.items()) text += name + " " + value.dump() + "\n";
  return text;
}

}  // namespace examples

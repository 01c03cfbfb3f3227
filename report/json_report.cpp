#include "report/json_report.hpp"

#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "files/provenance.hpp"
#include "heatbath/trainers/setting_names.hpp"
#include "files/json_numbers.hpp"
#include "report/paper_figures.hpp"

namespace heatbath::apps {

namespace {

nlohmann::json action_json(const trainers::ReverseAction& action) {
  return {{"per_step", action.per_step}, {"floor", action.floor}, {"above_floor", action.per_step - action.floor}};
}

}  // namespace

nlohmann::json json_report(const GenerativeReport& report) {
  const trainers::GenerativeModel& model = report.saved.model;
  const Moments heat = report.heat();

  nlohmann::json fractions = nlohmann::json::object();
  const std::vector<std::uint8_t> classes = model.classes();
  const std::vector<double> shares = report.class_shares();
  for (std::size_t i = 0; i < shares.size(); ++i) fractions[std::to_string(classes[i])] = shares[i];
  nlohmann::json quality = nullptr;
  if (report.quality) {
    quality = {{"classifier_accuracy", report.quality->classifier_accuracy},
               {"recognised", report.quality->recognised},
               {"class_entropy", report.quality->class_entropy},
               {"images_drawn", report.quality->images_drawn},
               {"images_held", report.quality->images_held},
               {"prototype_distance", report.quality->prototype_distance},
               {"diversity", or_null(report.quality->diversity)},
               {"digital_over_heat", heat.mean > 0 ? nlohmann::json(kDigitalHeat / heat.mean) : nlohmann::json(nullptr)}};
  }
  nlohmann::json updates = nlohmann::json::array();
  for (const trainers::ReverseAction& action : report.saved.actions) updates.push_back(action.per_step - action.floor);
  nlohmann::json held_out = nlohmann::json::array();
  for (const trainers::ReverseAction& action : report.held_out) held_out.push_back(action.per_step - action.floor);

  return {
      {"command", report.command},
      {"beside", report.beside ? nlohmann::json(report.beside->folder) : nlohmann::json(nullptr)},
      {"heat_mean_kT", heat.mean},
      {"heat_sd_kT", heat.sd},
      {"v0_kT", moments(report.samples.v0, report.kT()).mean},
      {"vf_kT", moments(report.samples.vf, report.kT()).mean},
      {"heat_source", report.samples.heat_source},
      {"inverted_fraction", report.classes.inverted_fraction},
      {"class_fractions", fractions},
      {"correlation", report.classes.mean_abs_correlation},
      {"asked_fraction", or_null(report.classes.asked_fraction)},
      {"quality", quality},
      {"action_first", report.saved.held_out_first.per_step},
      {"action_last", report.saved.held_out_last.per_step},
      {"seconds",
       {{"build_programs", report.seconds.build_programs},
        {"simulate", report.seconds.simulate},
        {"gradient", report.seconds.gradient},
        {"generate", report.seconds.generate},
        {"total", report.seconds.total}}},
      {"optimizer", name_of(model.optimizer)},
      {"seed", report.seed},
      {"shots", report.shots},
      {"clips", report.samples.clips},
      {"rails", report.samples.rails},
      {"digits", model.prototypes.digits},
      {"data_source", model.data_source},
      {"device", report.device},
      {"electricity", electricity_json(report.electricity)},
      {"training",
       {{"held_out_trajectories", report.saved.held_out_trajectories},
        {"held_out_first", action_json(report.saved.held_out_first)},
        {"held_out_last", action_json(report.saved.held_out_last)},
        {"in_sample_last", report.in_sample ? action_json(*report.in_sample) : nlohmann::json(nullptr)},
        {"held_out_above_floor", held_out},
        {"processor_seconds", or_null(report.training_processor_seconds)},
        {"noise_memory_nats", or_null(report.noise_memory)},
        {"image_weights", report.image_weights},
        {"action_above_floor_by_update", updates},
        {"device", model.device},
        {"seed", model.seed}}},
      {"settings",
       {{"visible", model.visible},
        {"hidden", model.hidden},
        {"updates", model.updates},
        {"segments", model.segments},
        {"labels", model.labels},
        {"ramp_end", model.ramp_end},
        {"images", model.prototypes.digits.size()},
        {"scaling", name_of(model.scaling)},
        {"drive", name_of(model.drive)},
        {"j2", model.j2},
        {"j4", model.j4},
        {"kT", model.kT},
        {"tf_time_units", model.tf},
        {"capture_period_time_units",
         report.capture_period > 0 ? nlohmann::json(report.capture_period) : nlohmann::json(nullptr)},
        {"model", report.model_path}}},
      {"pictures", pictures_json(report.pictures)},
      {"provenance", provenance()},
  };
}

}  // namespace heatbath::apps

#include "files/classifier_file.hpp"

#include "files/machine_json.hpp"
#include "files/utf8.hpp"

namespace heatbath::apps {

namespace {

constexpr const char* kClassifierFormat = "classifier of train classifier";

nlohmann::json parameters_json(const trainers::ClassifierMachine& machine) {
  return {{"bias", machine.bias}, {"inward", machine.inward}, {"couplings", machine.couplings}};
}

void read_parameters(const nlohmann::json& from, trainers::ClassifierMachine& machine) {
  machine.bias = finite_numbers<float>(from, "bias");
  machine.inward = finite_numbers<float>(from, "inward");
  machine.couplings = finite_numbers<float>(from, "couplings");
  const std::size_t moving = machine.moving();
  if (machine.bias.size() != moving || machine.inward.size() != machine.inputs * moving || machine.couplings.size() != moving * moving)
    wrong_key("bias, inward and couplings", fmt::format("lengths are not those of {} inputs, {} outputs and {} hidden cells", machine.inputs,
                                                        machine.outputs, machine.hidden));
}

}  // namespace

std::string classifier_text(const SavedClassifier& saved) {
  const trainers::ClassifierOptions& o = saved.options;
  const trainers::ClassifierTraining& t = saved.training;
  const trainers::ClassifierMachine& m = t.machine;
  const trainers::FineTuneOptions& f = saved.tuning_options;
  return machine_file_text(
      {{"heatbath", kClassifierFormat}, {"data_source", valid_utf8(saved.data_source)}, {"held_out", saved.held_out}, {"device", valid_utf8(saved.device)},
       {"layer", o.layer}, {"teacher_steps", o.teacher_steps}, {"steps", o.steps}, {"batch", o.batch}, {"teacher_rate", o.teacher_rate}, {"rate", o.rate},
       {"drive", o.drive}, {"seed", o.seed},
       {"machine", {{"inputs", m.inputs}, {"outputs", m.outputs}, {"hidden", m.hidden}, {"j2", m.j2}, {"j4", m.j4}, {"kT", m.kT}, {"duration", m.duration},
                    {"pixel_scale", m.pixel_scale}, {"parameters", parameters_json(m)}}},
       {"teacher", t.teacher.parameters}, {"step", t.step}, {"momentum", t.momentum}, {"square", t.square}, {"losses", t.losses}, {"loss_sum", t.loss_sum},
       {"tuning", {{"updates", f.updates}, {"batch", f.batch}, {"rate", f.rate}, {"seed", f.seed}, {"made", saved.tuning.updates},
                   {"momentum", saved.tuning.momentum}, {"square", saved.tuning.square}, {"misses", saved.tuning.misses},
                   {"parameters", saved.tuning.updates > 0 ? parameters_json(saved.tuned) : nlohmann::json(nullptr)}}}});
}

SavedClassifier read_classifier(const std::filesystem::path& path) {
  SavedClassifier saved;
  read_machine_file(path, "--continue goes on from the classifier of an earlier training", [&](const nlohmann::json& file) {
    if (file.at("heatbath") != kClassifierFormat) wrong_key("heatbath", std::string("it must say ") + kClassifierFormat);
    saved.data_source = file.at("data_source").get<std::string>();
    saved.held_out = whole_number<std::uint64_t>(file, "held_out");
    saved.device = file.at("device").get<std::string>();
    trainers::ClassifierOptions& o = saved.options;
    o.layer = whole_number<std::uint32_t>(file, "layer");
    o.teacher_steps = whole_number<std::uint32_t>(file, "teacher_steps");
    o.steps = whole_number<std::uint32_t>(file, "steps");
    o.batch = whole_number<std::uint32_t>(file, "batch");
    o.teacher_rate = finite_number(file.at("teacher_rate"), "teacher_rate");
    o.rate = finite_number(file.at("rate"), "rate");
    o.drive = finite_number(file.at("drive"), "drive");
    o.seed = whole_number<std::uint64_t>(file, "seed");
    trainers::ClassifierTraining& t = saved.training;
    trainers::ClassifierMachine& m = t.machine;
    const nlohmann::json& machine = file.at("machine");
    m.inputs = whole_number<std::uint32_t>(machine, "inputs");
    m.outputs = whole_number<std::uint32_t>(machine, "outputs");
    m.hidden = whole_number<std::uint32_t>(machine, "hidden");
    if (m.outputs != 10) wrong_key("outputs", "it must be 10");
    m.j2 = finite_number(machine.at("j2"), "j2");
    m.j4 = finite_number(machine.at("j4"), "j4");
    m.kT = finite_number(machine.at("kT"), "kT");
    m.duration = finite_number(machine.at("duration"), "duration");
    m.pixel_scale = finite_number(machine.at("pixel_scale"), "pixel_scale");
    read_parameters(machine.at("parameters"), m);
    t.teacher.inputs = m.inputs;
    t.teacher.layer = o.layer;
    t.teacher.parameters = finite_numbers<float>(file, "teacher");
    if (t.teacher.parameters.size() != t.teacher.size()) wrong_key("teacher", fmt::format("{} numbers, {} are needed", t.teacher.parameters.size(), t.teacher.size()));
    t.step = whole_number<std::uint32_t>(file, "step");
    t.momentum = finite_numbers<float>(file, "momentum");
    t.square = finite_numbers<float>(file, "square");
    t.losses = finite_numbers<double>(file, "losses");
    t.loss_sum = finite_number(file.at("loss_sum"), "loss_sum");
    const nlohmann::json& tuning = file.at("tuning");
    trainers::FineTuneOptions& f = saved.tuning_options;
    f.updates = whole_number<std::uint32_t>(tuning, "updates");
    f.batch = whole_number<std::uint32_t>(tuning, "batch");
    f.rate = finite_number(tuning.at("rate"), "rate");
    f.seed = whole_number<std::uint64_t>(tuning, "seed");
    f.drive = o.drive;
    saved.tuning.updates = whole_number<std::uint32_t>(tuning, "made");
    saved.tuning.momentum = finite_numbers<float>(tuning, "momentum");
    saved.tuning.square = finite_numbers<float>(tuning, "square");
    saved.tuning.misses = finite_numbers<double>(tuning, "misses");
    saved.tuned = m;
    if (saved.tuning.updates > 0) read_parameters(tuning.at("parameters"), saved.tuned);
  });
  return saved;
}

}  // namespace heatbath::apps

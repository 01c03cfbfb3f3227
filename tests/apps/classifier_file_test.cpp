// classifier.json of train classifier.
#include "files/classifier_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "error_of.hpp"
#include "files/atomic_file.hpp"
#include "files/equilibrium_file.hpp"
#include "heatbath/open.hpp"
#include "temporary_folder.hpp"

namespace heatbath::apps {
namespace {

using ::testing::HasSubstr;

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  const std::size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return at == std::string::npos ? text : text.replace(at, what.size(), by);
}

TEST(ClassifierFile, TakesTrainingAndFineTuningUpToTheSameBits) {
  const TemporaryFolder folder;
  const trainers::Images data = trainers::draw_digits(1, 2);
  SavedClassifier saved;
  saved.data_source = data.source;
  saved.held_out = 3;
  saved.options.layer = 2;
  saved.options.teacher_steps = 6;
  saved.options.steps = 5;
  saved.options.batch = 8;
  saved.options.threads = 1;
  saved.tuning_options.updates = 3;
  saved.tuning_options.batch = 4;
  const auto trained_to = [&](SavedClassifier state, std::uint64_t until) {
    trainers::ClassifierTrainer trainer(data, state.options);
    if (state.training.step > 0) trainer.resume(state.training);
    trainer.train([&](std::uint64_t done, std::uint64_t, double) { return done < until; });
    state.training = trainer.training();
    return state;
  };
  const auto tuned_to = [&](SavedClassifier state, std::uint32_t until) {
    Device device = open("func:cells=800&lanes=4&threads=1");
    if (state.tuning.updates == 0) state.tuned = state.training.machine;
    trainers::fine_tune(device, state.tuned, state.training.teacher, data, state.tuning_options, state.tuning, 0, [&] { return state.tuning.updates < until; });
    return state;
  };
  const auto through_file = [&](const SavedClassifier& state) {
    write_file(folder / "c.json", classifier_text(state));
    SavedClassifier read = read_classifier(folder / "c.json");
    EXPECT_EQ(classifier_text(read), classifier_text(state));
    read.options.threads = 1;
    return read;
  };
  const SavedClassifier whole = tuned_to(trained_to(saved, 100), 3);
  for (const std::uint64_t stop : {4u, 6u, 9u})
    EXPECT_EQ(classifier_text(trained_to(through_file(trained_to(saved, stop)), 100)), classifier_text(trained_to(saved, 100))) << stop;
  EXPECT_EQ(classifier_text(tuned_to(through_file(tuned_to(trained_to(saved, 100), 2)), 3)), classifier_text(whole));

  EXPECT_THAT(error_of(HB_IO, [&] { read_classifier(folder / "none.json"); }), HasSubstr("none.json"));
  write_file(folder / "bad.json", replaced(classifier_text(saved), "\"layer\"", "\"lager\""));
  EXPECT_THAT(error_of(HB_BAD_ARG, [&] { read_classifier(folder / "bad.json"); }), HasSubstr("bad.json"));
  write_file(folder / "other.json", equilibrium_text({}));
  EXPECT_THAT(error_of(HB_BAD_ARG, [&] { read_classifier(folder / "other.json"); }), HasSubstr("train classifier"));
}

}  // namespace
}  // namespace heatbath::apps

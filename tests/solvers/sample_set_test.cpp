// A set of samples knows whether averages over it mean anything.
#include "heatbath/solvers/sample_set.hpp"

#include <gtest/gtest.h>

#include "heatbath/error.hpp"

namespace heatbath::solvers {
namespace {

std::string refusal(const std::function<void()>& call, hb_status_t code) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code);
    return error.what();
  }
  ADD_FAILURE() << "nothing was refused";
  return {};
}

SampleSet filled(Origin origin) {
  SampleSet set(2, origin);
  for (std::uint32_t k = 0; k < 16; ++k) {
    const std::vector<float> state{k % 2 ? 1.0f : -1.0f, k % 4 < 2 ? 1.0f : -1.0f};
    set.add(state, k % 4, 1, k / 8);
  }
  return set;
}

TEST(SampleSet, AveragesOverASearchAreRefused) {
  const SampleSet found = filled(Origin::search);
  EXPECT_NE(refusal([&] { found.mean_energy(); }, HB_UNSUPPORTED).find("search"), std::string::npos);
  EXPECT_THROW(found.mean(0), Error);
  EXPECT_THROW(found.mean_product(0, 1), Error);
  EXPECT_EQ(found.lowest_energy(), 0);
  EXPECT_DOUBLE_EQ(found.success(1), 0.5);
}

TEST(SampleSet, AveragesOverALawHaveTheErrorOfTheirChains) {
  const SampleSet set = filled(Origin::law);
  EXPECT_DOUBLE_EQ(set.mean_energy().value, 1.5);
  EXPECT_DOUBLE_EQ(set.mean(0).value, 0);
  EXPECT_DOUBLE_EQ(set.mean_product(0, 1).value, 0);
  EXPECT_GT(set.mean_energy().standard_error, 0);
  EXPECT_THROW(set.mean(2), Error);
}

TEST(SampleSet, EqualStatesPutTogetherKeepTheirNumberAndLoseTheirChains) {
  const SampleSet set = filled(Origin::law), together = set.aggregated();
  ASSERT_EQ(together.size(), 4u);
  for (std::size_t k = 0; k < 4; ++k) EXPECT_EQ(together.occurrences()[k], 4u);
  EXPECT_EQ(together.energies()[0], 0);
  EXPECT_EQ(together.energies()[3], 3);
  EXPECT_NE(refusal([&] { together.mean_energy(); }, HB_UNSUPPORTED).find("put together"), std::string::npos);
}

TEST(SampleSet, ChainsOfDifferentLengthAreRefused) {
  SampleSet set = filled(Origin::law);
  set.add(std::vector<float>{1, 1}, 0, 1, 7);
  EXPECT_NE(refusal([&] { set.mean_energy(); }, HB_BAD_ARG).find("one length"), std::string::npos);
  EXPECT_THROW(set.add(std::vector<float>{1}, 0), Error);
}

}  // namespace
}  // namespace heatbath::solvers

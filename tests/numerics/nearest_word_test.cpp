// What an error about an unknown name suggests.

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "heatbath/numerics/nearest_word.hpp"

namespace {

using heatbath::numerics::did_you_mean;
using heatbath::numerics::edit_distance;

TEST(EditDistance, CountsEachSlipOnce) {
  EXPECT_EQ(edit_distance("cells", "cells"), 0u);
  EXPECT_EQ(edit_distance("cels", "cells"), 1u);   // left out
  EXPECT_EQ(edit_distance("ccells", "cells"), 1u);  // twice
  EXPECT_EQ(edit_distance("cekls", "cells"), 1u);  // another
  EXPECT_EQ(edit_distance("clels", "cells"), 1u);  // swapped
  EXPECT_EQ(edit_distance("", "cells"), 5u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);  // Levenshtein's own example
}

TEST(DidYouMean, NamesTheNearestOneOrNone) {
  const std::vector<std::string> names{"info", "run", "train", "generate"};
  EXPECT_EQ(did_you_mean("rnu", names), " (did you mean run?)");
  EXPECT_EQ(did_you_mean("genrtae", names), " (did you mean generate?)");
  EXPECT_EQ(did_you_mean("quench", names), "");
  EXPECT_EQ(did_you_mean("", names), "");
  EXPECT_EQ(did_you_mean(std::string(41, 'r'), names), "") << "what is no word has no neighbour";
  EXPECT_EQ(did_you_mean("j", std::array<const char*, 2>{"b", "k"}), "") << "another letter is another name";
  EXPECT_EQ(did_you_mean("j3", std::array<std::string_view, 2>{"j2", "j4"}), " (did you mean j2?)") << "the first of two";
}

}  // namespace

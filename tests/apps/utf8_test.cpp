#include "files/utf8.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace heatbath::apps {
namespace {

TEST(Utf8, WellFormedTextStaysAsItIs) {
  const std::string text = "a\u00B5\u0800\uFFFF\U00010000\U0010FFFF\n";
  EXPECT_EQ(valid_utf8(text), text);
  EXPECT_EQ(code_points(text), U"a\u00B5\u0800\uFFFF\U00010000\U0010FFFF\n");
}

TEST(Utf8, EachByteOfNoneBecomesAReplacement) {
  EXPECT_EQ(code_points("\xC0\xAF" "A"), U"\uFFFD\uFFFDA") << "longer than needed";
  EXPECT_EQ(code_points("\xED\xA0\x80"), U"\uFFFD\uFFFD\uFFFD") << "a surrogate";
  EXPECT_EQ(code_points("\xF4\x90\x80\x80"), U"\uFFFD\uFFFD\uFFFD\uFFFD") << "beyond U+10FFFF";
  EXPECT_EQ(valid_utf8("m\xFC" "ller \xE2\x82"), "m\uFFFDller \uFFFD\uFFFD") << "Latin-1, and cut short";
}

TEST(Utf8, JsonTakesAnyName) {
  EXPECT_EQ(json_text({{"name", "m\xFCller"}}), "{\"name\":\"m\uFFFDller\"}");
}

}  // namespace
}  // namespace heatbath::apps

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

TEST(Utf8, BracketsOfAJsonTextNest64Deep) {
  const auto nested = [](std::size_t deep) { return std::string(deep, '[') + std::string(deep, ']'); };
  EXPECT_EQ(parsed_json(nested(64)).dump(), nested(64));
  EXPECT_THROW(parsed_json(nested(65)), nlohmann::json::parse_error);
  std::string objects;
  for (int k = 0; k < 100000; ++k) objects += "{\"a\":";
  EXPECT_THROW(parsed_json(objects), nlohmann::json::parse_error);
  const std::string text = "\"\\\"" + std::string(1000, '[') + '"';
  EXPECT_EQ(parsed_json(text).get<std::string>(), '"' + std::string(1000, '[')) << "those of a string are text";
  std::string flat = "[[]";
  for (int k = 0; k < 200; ++k) flat += ",[{}]";
  EXPECT_EQ(parsed_json(flat + "]").size(), 201u);
}

}  // namespace
}  // namespace heatbath::apps

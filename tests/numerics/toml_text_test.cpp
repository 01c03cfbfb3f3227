// TOML 1.0 as it is written down (toml.io/en/v1.0.0), with bounds on depth, time and memory.
#include "heatbath/numerics/toml_text.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <ctime>
#include <limits>
#include <string>

namespace {

using heatbath::numerics::TomlError;
using heatbath::numerics::TomlKind;
using heatbath::numerics::TomlText;
using heatbath::numerics::TomlValue;

TomlValue at(const TomlText& document, std::initializer_list<const char*> path) {
  TomlValue value = document.root();
  for (const char* key : path) value = value.find(key).value();
  return value;
}

/// The message for `text`, with its line; empty when it is read.
std::string complaint(const std::string& text) {
  try {
    TomlText document{text};
    return {};
  } catch (const TomlError& error) {
    return std::to_string(error.line()) + ": " + error.what();
  }
}

TEST(TomlText, ReadsScalars) {
  const TomlText t("a = 1\nb=-17 # comment\nc = +1_000\nd = 0xDEAD_beef\ne = 0o17\nf = 0b101\ng = 1.5\nh = -2e-3\n"
                   "i = 6.626e-34\nj = inf\nk = -inf\nl = nan\nm = true\nn = false\no = 1979-05-27T07:32:00Z\n"
                   "p = 1979-05-27 07:32:00\nq = 07:32:00\nr = 9223372036854775807\ns = -9223372036854775808\n"
                   "t = 1_0.2_5\nu = 5e+22\nv = -0.0\n");
  EXPECT_EQ(at(t, {"a"}).integer(), 1);
  EXPECT_EQ(at(t, {"b"}).integer(), -17);
  EXPECT_EQ(at(t, {"c"}).integer(), 1000);
  EXPECT_EQ(at(t, {"d"}).integer(), 0xDEADBEEF);
  EXPECT_EQ(at(t, {"e"}).integer(), 15);
  EXPECT_EQ(at(t, {"f"}).integer(), 5);
  EXPECT_EQ(at(t, {"g"}).floating(), 1.5);
  EXPECT_EQ(at(t, {"h"}).floating(), -2e-3);
  EXPECT_EQ(at(t, {"i"}).floating(), 6.626e-34);
  EXPECT_EQ(at(t, {"j"}).floating(), HUGE_VAL);
  EXPECT_EQ(at(t, {"k"}).floating(), -HUGE_VAL);
  EXPECT_TRUE(std::isnan(at(t, {"l"}).floating()));
  EXPECT_TRUE(at(t, {"m"}).boolean());
  EXPECT_FALSE(at(t, {"n"}).boolean());
  for (const char* date : {"o", "p", "q"}) EXPECT_EQ(at(t, {date}).kind(), TomlKind::date) << date;
  EXPECT_EQ(at(t, {"r"}).integer(), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(at(t, {"s"}).integer(), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(at(t, {"t"}).floating(), 10.25);
  EXPECT_EQ(at(t, {"u"}).floating(), 5e22);
  EXPECT_TRUE(std::signbit(at(t, {"v"}).floating()));
  EXPECT_EQ(at(t, {"a"}).kind(), TomlKind::integer);
  EXPECT_EQ(at(t, {"g"}).kind(), TomlKind::floating);
  EXPECT_EQ(at(t, {"m"}).kind(), TomlKind::boolean);
}

TEST(TomlText, ReadsStringsOfFourForms) {
  const TomlText t(
      "a = \"tab\\t quote\\\" \\u00e9 \\U0001F525\"\nb = 'C:\\raw\\n'\n"
                   "c = \"\"\"\nfirst\nsecond \\\n    joined \"\" quoted\"\"\"\"\"\n"
      "d = '''\nraw\\\n''two'''''\ne = \"\"\nf = ''\n"
                   "g = \"\"\"\"\"\"\n");
  EXPECT_EQ(at(t, {"a"}).string(), "tab\t quote\" \xc3\xa9 \xf0\x9f\x94\xa5");
  EXPECT_EQ(at(t, {"b"}).string(), "C:\\raw\\n");
  EXPECT_EQ(at(t, {"c"}).string(), "first\nsecond joined \"\" quoted\"\"");
  EXPECT_EQ(at(t, {"d"}).string(), "raw\\\n''two''");
  EXPECT_EQ(at(t, {"e"}).string(), "");
  EXPECT_EQ(at(t, {"f"}).string(), "");
  EXPECT_EQ(at(t, {"g"}).string(), "");
}

TEST(TomlText, ReadsArraysOfAnythingOverManyLines) {
  const TomlText t("a = [\n  1, 2, # two\n\n  3,\n]\nb = [[1, 'x]'], [\"]\", [2.5, {c = [4]}]], []]\nc = []\n");
  std::int64_t sum = 0;
  for (const TomlValue element : at(t, {"a"}).elements()) sum += element.integer();
  EXPECT_EQ(sum, 6);
  EXPECT_EQ(at(t, {"a"}).size(), 3u);
  EXPECT_EQ(at(t, {"b"}).size(), 3u);
  EXPECT_EQ(at(t, {"c"}).size(), 0u);
  const TomlValue second = *++at(t, {"b"}).elements().begin();
  const TomlValue inner = *++second.elements().begin();
  EXPECT_EQ((*inner.elements().begin()).floating(), 2.5);
  const TomlValue table = *++inner.elements().begin();
  ASSERT_EQ(table.kind(), TomlKind::table);
  EXPECT_EQ((*table.find("c")->elements().begin()).integer(), 4);
}

TEST(TomlText, ReadsTablesOfEveryForm) {
  const TomlText t("top.inner.x = 1\ntop.inner.y = 2\n\n[a.b]\nz = 3\n[a]\nw = 4\n[[list]]\nn = 1\n[list.sub]\nm = 5\n"
                   "[[list]]\nn = 2\n[[list.deep]]\nk = 6\n[[list.deep]]\nk = 7\n"
                   "[\"quoted . key\".'two']\nq = { r.s = 8, t = {} }\n");
  EXPECT_EQ(at(t, {"top", "inner", "y"}).integer(), 2);
  EXPECT_EQ(at(t, {"a", "b", "z"}).integer(), 3);
  EXPECT_EQ(at(t, {"a", "w"}).integer(), 4);
  EXPECT_EQ(at(t, {"list"}).size(), 2u);
  auto element = at(t, {"list"}).elements().begin();
  EXPECT_EQ((*element).find("sub")->find("m")->integer(), 5);
  ++element;
  EXPECT_EQ((*element).find("n")->integer(), 2);
  EXPECT_EQ((*element).find("deep")->size(), 2u);
  EXPECT_EQ(at(t, {"quoted . key", "two", "q", "r", "s"}).integer(), 8);
  EXPECT_EQ(at(t, {"quoted . key", "two", "q", "t"}).entries().size(), 0u);
  EXPECT_EQ(at(t, {"a"}).entries().size(), 2u);
  EXPECT_EQ(at(t, {"a"}).entries().front().first, "b");
  EXPECT_FALSE(t.root().find("absent"));
}

TEST(TomlText, KnowsTheLinesOfValues) {
  const std::string padding = "# " + std::string(5000, 'x') + "\n";
  const TomlText t(padding + "a = 1\r\n\r\n[b]\r\nc = [\r\n  1,\r\n  2]\r\n");
  EXPECT_EQ(at(t, {"a"}).line(), 2u);
  EXPECT_EQ(at(t, {"b"}).line(), 4u);
  EXPECT_EQ(at(t, {"b", "c"}).line(), 5u);
  EXPECT_EQ((*++at(t, {"b", "c"}).elements().begin()).line(), 7u);
}

TEST(TomlText, SkipsAByteOrderMarkAndReadsNothingAtAll) {
  EXPECT_EQ(at(TomlText("\xef\xbb\xbf" "a = 1"), {"a"}).integer(), 1);
  EXPECT_EQ(TomlText("").root().entries().size(), 0u);
  EXPECT_EQ(TomlText("# only a comment").root().entries().size(), 0u);
}

TEST(TomlText, RefusesWhatTheSpecificationRefuses) {
  const char* const wrong[] = {
      "a", "a =", "a = ", "= 1", "a = 1 b = 2", "a = 1 2", "a.b", "a..b = 1", ".a = 1", "a. = 1", "a b = 1",
      "a = 01", "a = -01", "a = 1__0", "a = _1", "a = 1_", "a = 0x", "a = -0x1", "a = 0xG", "a = 0o8", "a = 0b2",
      "a = 0X1",
      "a = 1.", "a = .5", "a = 1.e3", "a = 1e", "a = 1e1.5", "a = 01.5", "a = 1._5", "a = 1.5D3", "a = 1,5", "a = ++1",
      "a = Inf", "a = True", "a = yes", "a = 9223372036854775808", "a = 1e999", "a = 1 # ok\nb = 1 x",
      "a = \"open", "a = 'open", "a = \"two\nlines\"", "a = \"\"\"open", "a = '''open''", "a = \"\\x41\"",
      "a = \"\\ud800\"",
      "a = \"\\u12\"", "a = \"\\U00110000\"", "a = [1, 2", "a = [1 2]", "a = [,]", "a = [1,,2]", "a = {", "a = {b = 1",
      "a = {b = 1,}", "a = {b = 1\n}", "a = {b = 1 c = 2}", "a = {b = 1, b = 2}", "a = {b.c = 1, b = 2}",
      "a = 1\na = 2", "a = 1\n\"a\" = 2", "a = 1\na.b = 2", "a = {}\na.b = 2", "a = {}\n[a.b]", "[a]\n[a]",
      "a.b = 1\n[a]",
      "[a.b.c]\n[a]\nb.d = 1", "a = []\n[[a]]", "[a]\n[[a]]", "[[a]]\n[a]", "[a.b]\n[[a]]", "[a", "[a]]", "[[a]",
      "[ [a]]",
      "[]", "[a.]", "[a] b = 1", "[a]\nb = 1\n[a.b]", "\"\"\"a\"\"\" = 1", "a = \"\x01\"", "# \x7f", "a = 1\rb = 2",
      "a = \"\xff\"", "a = \"\xc0\x80\"", "\xff\xfe\x61"};
  for (const char* text : wrong) EXPECT_NE(complaint(text), "") << text;
  EXPECT_NE(complaint(std::string("a = 1\0", 6)), "");
}

TEST(TomlText, SaysTheLineAndWhatIsWrong) {
  EXPECT_EQ(complaint("a = 1\nb = 2\na = 3"), "3: key 'a' is given twice");
  EXPECT_EQ(complaint("\n\na = 012"), "3: '012' is no value: a number, true, false, or a text in quotes");
  EXPECT_EQ(complaint("a = 1e999"), "1: '1e999' is a number that 64 bits do not hold");
  EXPECT_EQ(complaint("a = [1,\n2,\n"), "1: a list begins that does not end: '[1,'");
  EXPECT_EQ(complaint("x = 'a"), "1: a text begins that does not end: ''a'");
}

TEST(TomlText, QuotesInputCutAndEscaped) {
  const std::string key(1000000, 'k');
  EXPECT_LT(complaint(key + " = 1\n" + key + " = 2\n").size(), 200u);
  EXPECT_EQ(complaint("a = \x1b[31m"), "1: '\\x1b' is a control character");
  EXPECT_EQ(complaint("\"\\u001b\" = 1\n\"\\u001b\" = 2"), "2: key '\\x1b' is given twice");
}

std::string nested(const char* open, const char* close, int depth) {
  std::string text = "a = ";
  for (int i = 0; i < depth; ++i) text += open;
  text += "1";
  for (int i = 0; i < depth; ++i) text += close;
  return text;
}

TEST(TomlText, RefusesDepthInsteadOfRecursing) {
  EXPECT_EQ(complaint(nested("[", "]", 64)), "");
  EXPECT_EQ(complaint(nested("{b=", "}", 64)), "");
  EXPECT_EQ(complaint(nested("[", "]", 65)), "1: values are nested deeper than 64");
  EXPECT_EQ(complaint(nested("{b=", "}", 65)), "1: values are nested deeper than 64");
  EXPECT_EQ(complaint("a = " + std::string(1000000, '[')), "1: values are nested deeper than 64");
}

std::string repeated(const std::string& piece, std::size_t bytes) {
  std::string text;
  while (text.size() < bytes) text += piece;
  return text;
}

std::string numbered(const std::string& before, const std::string& after, int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += before + std::to_string(i) + after;
  return text;
}

/// Visits the values of `value` down to a depth.
std::size_t values_of(const TomlValue& value, int depth = 100) {
  std::size_t count = 1;
  if (depth == 0) return count;
  if (value.is(TomlKind::array))
    for (const TomlValue element : value.elements()) count += values_of(element, depth - 1);
  if (value.is(TomlKind::table))
    for (const auto& [key, entry] : value.entries()) count += values_of(entry, depth - 1);
  return count;
}

double seconds_to_read(const std::string& text) {
  const std::clock_t began = std::clock();  // of the processor: other programs do not count
  try {
    const TomlText document{text};
    EXPECT_GE(values_of(document.root()), 1u);
  } catch (const TomlError&) {
  }
  return static_cast<double>(std::clock() - began) / CLOCKS_PER_SEC;
}

TEST(TomlText, TimeGrowsWithSizeForEveryShape) {
  const auto shapes = [](int n) {
    const auto bytes = static_cast<std::size_t>(n) * 10;
    return std::vector<std::string>{
        "a = [" + repeated("1.5, ", bytes) + "]", "a = [" + repeated("[0, 1, 0.5], ", bytes) + "]",
        "a = [" + repeated("{b = 1}, ", bytes) + "]", repeated("[[s]]\nop = 'e'\n", bytes),
        repeated("a.", bytes) + "a = 1",
        "[" + repeated("a.", bytes) + "a]", numbered("k", " = 1\n", n), numbered("[a.b", "]\n", n),
        "a = \"" + std::string(bytes, 'x') + "\"", "a = [" + std::string(bytes, '\n') + "]",
        "#" + std::string(bytes, 'x'),
        nested("[", "]", 63).insert(5, repeated("7, ", bytes))};
  };
  const auto small = shapes(5000), large = shapes(40000);
  for (std::size_t i = 0; i < small.size(); ++i) {
    const double time = seconds_to_read(small[i]);
    EXPECT_LT(seconds_to_read(large[i]), 8 * 4 * time + 0.05) << "shape " << i << ": eight times the text";
  }
}

TEST(TomlText, CountsKeysAndTables) {
  EXPECT_EQ(complaint(numbered("k", " = 1\n", 500000)), "");
  EXPECT_NE(complaint(numbered("k", " = 1\n", 530000)).find("more than 524288 keys and tables"), std::string::npos);
  EXPECT_NE(complaint("a = [" + repeated("{},", 3000000) + "]").find("keys and tables"), std::string::npos);
}

}  // namespace

// Numbers and quotations as text: decimal whatever the locale, whole or not at all, safe for a terminal.
#include "heatbath/numerics/text.hpp"

#include <gtest/gtest.h>

#include <clocale>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <locale>
#include <string>

namespace {

namespace numerics = heatbath::numerics;
using numerics::escaped;
using numerics::parse_number;
using numerics::take_word;
using numerics::text_of;
using numerics::trimmed;

struct CommaAndGroups : std::numpunct<char> {
  char do_decimal_point() const override { return ','; }
  char do_thousands_sep() const override { return '.'; }
  std::string do_grouping() const override { return "\3"; }
};

TEST(ParseNumber, ReadsDecimalIntegersWhole) {
  EXPECT_EQ(parse_number<int>("42"), 42);
  EXPECT_EQ(parse_number<int>("-42"), -42);
  EXPECT_EQ(parse_number<int>("+42"), 42);
  EXPECT_EQ(parse_number<std::uint64_t>("18446744073709551615"), UINT64_MAX);
  EXPECT_EQ(parse_number<std::int64_t>("-9223372036854775808"), INT64_MIN);
}

TEST(ParseNumber, ZerosInFrontAreDecimal) {
  EXPECT_EQ(parse_number<unsigned>("010"), 10u);
  EXPECT_EQ(parse_number<unsigned>("08"), 8u);
  EXPECT_EQ(parse_number<unsigned>("00000000000000000000000000000017"), 17u);
  EXPECT_EQ(parse_number<double>("007.50"), 7.5);
}

TEST(ParseNumber, RefusesWhatIsNotOneDecimalNumber) {
  for (const char* text : {"", " ", " 1", "1 ", "1\n", "1 2", "0x10", "0b1", "1_000", "1,000", "1'000", "1u", "+-1",
                           "--1", "++1", "+", "-", "one", "1.0", "1e3", "\xef\xbb\xbf" "1"})
    EXPECT_FALSE(parse_number<int>(text)) << '\'' << text << '\'';
  for (const char* text : {"", ".", "1,5", "1.5D3", "1.5d3", "1e", "1e+", "0x1p3", "1.5f", "1.5 ", " 1.5", "+-1.5",
                           "1.5.2", "1 5", "1..5", "infinit"})
    EXPECT_FALSE(parse_number<double>(text)) << '\'' << text << '\'';
}

TEST(ParseNumber, RefusesWhatTheTypeCannotHold) {
  EXPECT_FALSE(parse_number<std::uint8_t>("256"));
  EXPECT_FALSE(parse_number<unsigned>("-1"));
  EXPECT_FALSE(parse_number<std::uint64_t>("18446744073709551616"));
  EXPECT_FALSE(parse_number<double>("1e309"));
  EXPECT_FALSE(parse_number<double>("1e-400"));
  EXPECT_FALSE(parse_number<float>("1e39"));
  EXPECT_EQ(parse_number<double>("5e-324"), 5e-324);
}

TEST(ParseNumber, ReadsFloatingPointAsWritten) {
  EXPECT_EQ(parse_number<double>("1.5e-3"), 1.5e-3);
  EXPECT_EQ(parse_number<double>("+1.5E+3"), 1500.0);
  EXPECT_EQ(parse_number<double>(".5"), 0.5);
  EXPECT_EQ(parse_number<double>("5."), 5.0);
  EXPECT_TRUE(std::isnan(*parse_number<double>("nan")));
  EXPECT_EQ(parse_number<double>("-inf"), -HUGE_VAL);
}

TEST(ParseNumber, ReadsHexadecimalWhereAskedTo) {
  using numerics::parse_decimal_or_hexadecimal;
  EXPECT_EQ(parse_decimal_or_hexadecimal("0xDEADbeef"), 0xDEADBEEFu);
  EXPECT_EQ(parse_decimal_or_hexadecimal("010"), 10u);
  for (const char* text : {"", "0x", "0x-1", "0x+1", "0xg", "x10", "10h", "-1"})
    EXPECT_FALSE(parse_decimal_or_hexadecimal(text)) << text;
}

TEST(General, IsWhatTheCLocaleOfPrintfGives) {
  char printed[64];
  for (const double value : {0.0, 1.0, 0.1, 1e-5, 123456.7, 1234567.8, 1e22, -1.0 / 3, 6.02e23, HUGE_VAL}) {
    std::snprintf(printed, sizeof printed, "%g", value);
    EXPECT_EQ(numerics::general(value), printed);
    std::snprintf(printed, sizeof printed, "%.12g", value);
    EXPECT_EQ(numerics::general(value, 12), printed);
    std::snprintf(printed, sizeof printed, "%.1f", value);
    EXPECT_EQ(numerics::fixed(value, 1), printed);
  }
  EXPECT_EQ(numerics::fixed(1.7976931348623157e308).size(), 316u);
}

TEST(TextOf, IsShortestAndReadsBack) {
  EXPECT_EQ(text_of(0.1), "0.1");
  EXPECT_EQ(text_of(0.1f), "0.1");
  EXPECT_EQ(text_of(1e9), "1e+09");
  EXPECT_EQ(text_of(1234567.5), "1234567.5");
  for (const double value : {1.0 / 3, -0.0, 5e-324, 1.7976931348623157e308, 1.001e-6, 123456789012345680.0})
    EXPECT_EQ(parse_number<double>(text_of(value)), value) << text_of(value);
}

TEST(Text, KnowsNoLocale) {
  const std::locale before = std::locale::global(std::locale(std::locale::classic(), new CommaAndGroups));
  const std::string c_before = std::setlocale(LC_ALL, nullptr);
  for (const char* name : {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8"})
    if (std::setlocale(LC_ALL, name)) break;
  EXPECT_EQ(text_of(1234567.5), "1234567.5");
  EXPECT_EQ(parse_number<double>("1234567.5"), 1234567.5);
  EXPECT_FALSE(parse_number<double>("1234567,5"));
  EXPECT_EQ(parse_number<int>("1000"), 1000);
  EXPECT_EQ(escaped(std::string(123456, 'a'), 3), "aaa... (123456 bytes)");
  std::setlocale(LC_ALL, c_before.c_str());
  std::locale::global(before);
}

TEST(Quoted, EscapesWhatATerminalWouldObey) {
  EXPECT_EQ(numerics::quoted("plain text"), "'plain text'");
  EXPECT_EQ(numerics::quoted("\x1b[31mred\x07"), "'\\x1b[31mred\\x07'");
  EXPECT_EQ(numerics::quoted("two\nlines\tand\r"), "'two\\nlines\\tand\\r'");
  EXPECT_EQ(numerics::quoted(std::string_view("\0", 1)), "'\\x00'");
  EXPECT_EQ(numerics::quoted("\x7f"), "'\\x7f'");
  EXPECT_EQ(numerics::quoted("\xc2\x9b" "31m"), "'\\u{9b}31m'") << "the control sequence introducer of C1";
  EXPECT_EQ(numerics::quoted("\xef\xbb\xbf" "0 1"), "'\\u{feff}0 1'") << "a byte-order mark is not invisible";
  EXPECT_EQ(numerics::quoted("\xe2\x80\xae" "gpj"), "'\\u{202e}gpj'") << "nor a turn of direction";
}

TEST(Quoted, KeepsReadableTextAndShowsBytesThatAreNoText) {
  EXPECT_EQ(numerics::quoted("m\xc3\xbcller/\xe7\x83\xad.toml"), "'m\xc3\xbcller/\xe7\x83\xad.toml'");
  EXPECT_EQ(numerics::quoted("m\xfcller"), "'m\\xfcller'") << "Latin-1";
  EXPECT_EQ(numerics::quoted("\x1f\x8b\x08"), "'\\x1f\\x8b\\x08'") << "gzip";
  EXPECT_EQ(numerics::quoted("\xc0\x80"), "'\\xc0\\x80'") << "longer than needed";
  EXPECT_EQ(numerics::quoted("\xed\xa0\x80"), "'\\xed\\xa0\\x80'") << "half of a surrogate pair";
  EXPECT_EQ(numerics::quoted("\xf4\x90\x80\x80"), "'\\xf4\\x90\\x80\\x80'") << "beyond Unicode";
  EXPECT_EQ(numerics::quoted("\xe7\x83"), "'\\xe7\\x83'") << "cut short";
}

TEST(Quoted, CutsAfterEightyCharacters) {
  std::string eighty = "'";
  eighty.append(80, 'x');
  EXPECT_EQ(numerics::quoted(std::string(1000000, 'x')), std::string(eighty).append("... (1000000 bytes)'"));
  EXPECT_EQ(numerics::quoted(std::string(80, 'x')), eighty.append("'"));
  EXPECT_EQ(escaped(std::string(1000, 'x')), std::string(1000, 'x')) << "a path is escaped, not cut";
}

TEST(Words, AreSeparatedByBlanksOfEveryKind) {
  std::string_view line = " \t12  x\v3\r\n";
  EXPECT_EQ(take_word(line), "12");
  EXPECT_EQ(take_word(line), "x");
  EXPECT_EQ(take_word(line), "3");
  EXPECT_EQ(take_word(line), "");
  EXPECT_EQ(trimmed(" a b\r\n"), "a b");
  EXPECT_EQ(trimmed(" \t "), "");
}

}  // namespace

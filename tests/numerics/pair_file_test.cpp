#include "heatbath/numerics/pair_file.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <unistd.h>

namespace heatbath::numerics {
namespace {

constexpr auto alike = Directions::alike, two = Directions::two, one_way = Directions::one_way;

PairList parse(const std::string& text, Directions directions = alike) { return parse_pairs(text, "net.txt", directions); }

std::string message(const std::function<void()>& f) {
  try {
    f();
  } catch (const std::invalid_argument& e) {
    return e.what();
  }
  return "accepted";
}

std::string refusal(const std::string& text, Directions directions = alike) {
  return message([&] { parse(text, directions); });
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

const std::string banner = "%%MatrixMarket matrix coordinate ";

TEST(PairFile, FormsOfOneGraphAgree) {
  const std::vector<Pair> expected{{0, 1}, {0, 2}, {2, 3}};
  const std::vector<float> values{-1, 0.5f, 2};
  for (const std::string& text :
       {std::string("# a net\n2 0 .5\n\n1 0 -1\n 3\t2 2e0\r\n"), std::string("\xef\xbb\xbf" "0 1 -1\n0 2 0.5\n2 3 +2"),
        std::string("4 3\n1 2 -1\n3 1 0.5\n4 3 2\n"), banner + "real symmetric\n% c\n\n4 4 3\n2 1 -1\n3 1 .5\n4 3 2\n% end\n\n",
        "\xef\xbb\xbf" + banner + "real symmetric\n4 4 3\n2 1 -1\n3 1 .5\n4 3 2",
        std::string("%%matrixmarket MATRIX Coordinate Real GENERAL\n4 4 7\n2 1 -1\n1 2 -1\n3 1 5e-1\n1 3 0.5\n4 3 2\n3 4 2\n2 2 0\n")}) {
    const PairList list = parse(text);
    EXPECT_EQ(list.cells, 4u) << text;
    EXPECT_EQ(list.pairs, expected) << text;
    EXPECT_EQ(list.values, values) << text;
  }
  for (const std::string& text : {std::string("2 0\n1 0\n3 2\n"), banner + "pattern symmetric\n4 4 4\n2 1\n3 1\n4 3\n4 4\n"}) {
    const PairList list = parse(text);
    EXPECT_EQ(list.pairs, expected) << text;
    EXPECT_TRUE(list.values.empty()) << text;
  }
  EXPECT_TRUE(parse("0 1\n").open);
  EXPECT_FALSE(parse("5 1\n1 2 3\n").open);
  EXPECT_EQ(parse("5 1\n1 2 3\n").cells, 5u) << "the last three have no neighbour";
  EXPECT_EQ(parse("0 1 7\n").values, (std::vector<float>{7}));
  EXPECT_EQ(parse("00 01 7\n").values, (std::vector<float>{7}));
}

TEST(PairFile, TwoDirectionsOfAPair) {
  const std::string general = banner + "integer general\n3 3 3\n1 2 4\n2 1 -5\n3 2 6\n";
  EXPECT_EQ(parse(general, two).values, (std::vector<float>{4, -5, 0, 6}));
  EXPECT_TRUE(has(refusal(general), "line 4: entry (1, 0), counted from 0, differs from its mirror image (-5 and 4)")) << refusal(general);
  EXPECT_EQ(parse(banner + "real skew-symmetric\n2 2 1\n2 1 3\n", two).values, (std::vector<float>{-3, 3}));
  EXPECT_TRUE(has(refusal(banner + "real skew-symmetric\n2 2 1\n2 1 3\n"), "not reciprocal"));
  EXPECT_EQ(parse("1 0 3\n", two).values, (std::vector<float>{3, 3}));
  EXPECT_EQ(parse("1 0 3\n", one_way).values, (std::vector<float>{0, 3}));
  EXPECT_EQ(parse("1 0 3\n0 1 4\n", one_way).values, (std::vector<float>{4, 3}));
  EXPECT_TRUE(has(refusal("1 0 3\n0 1 4\n", two), "line 2: entry (0, 1), counted from 0, comes twice"));
  EXPECT_TRUE(has(refusal("1 0 3\n1 0 4\n", one_way), "line 2"));
}

TEST(PairFile, WhatIsNoEntryIsRefusedWithItsLine) {
  for (const std::string& line : {"0 1.5", "0 1abc", "0 1e3", "0 1;", "0,1", "0", "0 x", "-1 2", "0 0x1", "0 1 2 3", "p edge 3 2"})
    EXPECT_TRUE(has(refusal("7 8\n" + line + "\n"), "net.txt, line 2: '" + line + "' where the two cells of a coupler belong"))
        << refusal("7 8\n" + line + "\n");
  EXPECT_EQ(refusal("0 1\n1 0\n"), "net.txt, line 2: entry (1, 0), counted from 0, comes twice");
  EXPECT_EQ(refusal("0 1\n3 3\n"), "net.txt, line 2: entry (3, 3), counted from 0, joins a cell with itself");
  EXPECT_TRUE(has(refusal("0 1 2\n1 2\n"), "line 2: '1 2' where two cells and a value belong"));
  EXPECT_TRUE(has(refusal("0 1\n2 3 4\n"), "line 2: '2 3 4' where the two cells of a coupler belong"));
  EXPECT_TRUE(has(refusal("0 1\n1 2\n2 3 4\n"), "line 3: '2 3 4' where the two cells of a coupler belong"));
  for (const std::string& value : {"abc", "1.5x", "1,5", "nan", "inf", "1e39", "1e-60", "1.0D+00"})
    EXPECT_TRUE(has(refusal("0 1 " + value + "\n"), "line 1: '" + value + "' is no finite number")) << value;
  EXPECT_TRUE(has(refusal("0 4294967297\n"), "line 1: cell 4294967297: at most 268435456 cells"));
  EXPECT_TRUE(has(refusal("0 268435456\n"), "at most 268435456 cells"));
  EXPECT_TRUE(has(refusal("0 99999999999999999999999\n"), "where the two cells"));
  EXPECT_EQ(refusal("# nothing\n"),
            "net.txt: no coupler: a line 'i j' or 'i j value' each, cells counted from 0, or MatrixMarket");
}

TEST(PairFile, AHeaderOfCellsAndPairsIsToldFromAPair) {
  EXPECT_TRUE(has(refusal("3 2\n1 2 1\n"), "line 2: ends after 1 of 2 entries"));
  EXPECT_TRUE(has(refusal("3 1\n1 2 1\n2 3 1\n"), "line 3: an entry more than the 1 announced"));
  EXPECT_TRUE(has(refusal("3 2\n0 2 1\n2 3 1\n"), "line 2: entry (0, 2) is not in 1..3: below a header"));
  EXPECT_TRUE(has(refusal("4 2\n1 2\n3 4\n"), "line 1 may be a header 'cells pairs' with cells counted from 1, or a pair"));
  EXPECT_EQ(parse("4 2\n1 2\n3 0\n").pairs.size(), 3u) << "cell 0 is no cell counted from 1";
}

TEST(PairFile, MatricesAreRefusedWithTheirLine) {
  const auto with = [](const std::string& rest) { return refusal(banner + rest); };
  EXPECT_TRUE(has(with("foo symmetric\n3 3 0\n"), "line 1: field 'foo': real, double, integer or pattern"));
  EXPECT_TRUE(has(with("complex hermitian\n3 3 0\n"), "line 1: field 'complex'"));
  EXPECT_TRUE(has(with("real hermitian\n3 3 0\n"), "line 1: symmetry 'hermitian': general, symmetric or skew-symmetric"));
  EXPECT_TRUE(has(refusal("%%MatrixMarket matrix array real general\n"), "line 1: "));
  EXPECT_TRUE(has(with("real symmetric extra\n"), "line 1: "));
  EXPECT_TRUE(has(with("real symmetric\n"), "line 1: no size line"));
  EXPECT_TRUE(has(with("real symmetric\n3 3 1 1\n2 1 1\n"), "line 2: '3 3 1 1' where rows, columns and entries belong"));
  EXPECT_TRUE(has(with("real symmetric\n3 3 1.0\n2 1 1\n"), "where rows, columns and entries belong"));
  EXPECT_TRUE(has(with("real symmetric\n3 2 1\n2 1 1\n"), "a matrix of 3 x 2 is no graph"));
  EXPECT_TRUE(has(with("real symmetric\n3 3 1\n2 1 1\n3 1 1\n3 2 1\n"), "line 4: an entry more than the 1 announced"));
  EXPECT_TRUE(has(with("real symmetric\n3 3 2\n2 1 1\n"), "line 3: ends after 1 of 2 entries"));
  EXPECT_TRUE(has(with("real symmetric\n3 3 1\n2 1\n"), "line 3: '2 1' where a row, a column and a value belong"));
  EXPECT_TRUE(has(with("pattern symmetric\n3 3 1\n2 1 1\n"), "line 3: '2 1 1' where a row and a column belong"));
  EXPECT_TRUE(has(with("real symmetric\n3 3 1\n2 1 one\n"), "line 3: 'one' is no finite number"));
  EXPECT_TRUE(has(with("integer symmetric\n3 3 1\n2 1 1.5\n"), "line 3: '1.5' is no integer"));
  EXPECT_TRUE(has(with("real symmetric\n3 3 1\n4 1 1\n"), "line 3: entry (4, 1) is not in 1..3"));
  EXPECT_TRUE(has(with("real symmetric\n3 3 1\n0 1 1\n"), "line 3: entry (0, 1) is not in 1..3"));
  EXPECT_TRUE(has(with("real symmetric\n3 3 1\n2 2 5\n"), "line 3: entry (2, 2) = 5 couples a cell to itself"));
  EXPECT_TRUE(has(with("real symmetric\n3 3 2\n2 1 1\n1 2 1\n"), "line 4: entry (0, 1), counted from 0, comes twice"));
  EXPECT_TRUE(has(with("pattern general\n3 3 1\n2 1\n"), "line 3: entry (1, 0), counted from 0, lacks its mirror image"));
  EXPECT_TRUE(has(with("real symmetric\n1000000000 1000000000 1\n2 1 1\n"), "line 2: 1000000000 cells; at most 268435456"));
  EXPECT_TRUE(has(with("real symmetric\n9 9 99999999999\n2 1 1\n"), "line 2: 99999999999 entries are announced; the file has"));
  EXPECT_TRUE(has(message([] { parse_pairs("0 1\n", "net.mtx", alike); }), "net.mtx, line 1: '0 1' where '%%MatrixMarket"));
  EXPECT_TRUE(has(message([] { parse_pairs("", "net.mtx", alike); }), "net.mtx: is empty; '%%MatrixMarket"));
  EXPECT_TRUE(has(refusal(""), "net.txt: is empty"));
}

TEST(PairFile, AHostileFileIsBoundedAndItsBytesAreEscaped) {
  const auto of = [](const std::string& file) { return message([&] { read_pairs(file, alike); }); };
  EXPECT_EQ(of("/dev/zero"), "/dev/zero: is no text: it holds a zero byte");
  EXPECT_TRUE(has(of("/tmp"), "/tmp: is a folder"));
  EXPECT_TRUE(has(of("/no/such/file"), "no such file"));
  EXPECT_TRUE(has(refusal("\x1f\x8b\x08\x01"), "is compressed (gzip)"));
  const std::string escapes = refusal("0 1\n\x1b]0;owned\x07 2\n");
  EXPECT_TRUE(has(escapes, "line 2: '\\x1b]0;owned\\x07 2' where")) << escapes;
  std::string text("0 1\n");
  text.append(60000, 'x');
  const std::string longer = refusal(text);
  EXPECT_LT(longer.size(), 300u);
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  ASSERT_EQ(write(ends[1], "0 1 2\n1 2 3\n", 12), 12);
  close(ends[1]);
  EXPECT_EQ(read_pairs("/dev/fd/" + std::to_string(ends[0]), alike).values, (std::vector<float>{2, 3})) << "a pipe is read";
  close(ends[0]);
}

TEST(Lattice, HasEachPairOnceInOrder) {
  EXPECT_EQ(chain_pairs(4, true), (std::vector<Pair>{{0, 1}, {0, 3}, {1, 2}, {2, 3}}));
  EXPECT_EQ(chain_pairs(2, true), (std::vector<Pair>{{0, 1}}));
  EXPECT_TRUE(chain_pairs(1, true).empty());
  for (const auto& pairs : {grid_pairs(5, 4, true), grid_pairs(3, 3, true), grid_pairs(2, 3, true), king_pairs(4, 3)})
    for (std::size_t k = 0; k < pairs.size(); ++k) {
      EXPECT_LT(pairs[k].i, pairs[k].j);
      if (k > 0) {
        EXPECT_LT(std::pair(pairs[k - 1].i, pairs[k - 1].j), std::pair(pairs[k].i, pairs[k].j));
      }
    }
  EXPECT_EQ(grid_pairs(5, 4, true).size(), 40u);
  EXPECT_EQ(grid_pairs(2, 3, true).size(), 3u + 6) << "a side of two is not closed";
  EXPECT_EQ(king_pairs(3, 3).size(), 12u + 8);
}

}  // namespace
}  // namespace heatbath::numerics

// Couplings, parameters and states that a program takes from files, and programs of sparse devices.
#include <gmock/gmock.h>

#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "error_of.hpp"
#include "files/array_file.hpp"
#include "files/npz_file.hpp"
#include "files/program_builder.hpp"
#include "heatbath/open.hpp"
#include "temporary_folder.hpp"

namespace heatbath::apps {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// The bytes of a .npy file.
template <typename T>
std::string npy(const std::string& type, const std::string& shape, const std::vector<T>& values,
                const std::string& order = "False") {
  std::string header = "{'descr': '" + type + "', 'fortran_order': " + order + ", 'shape': " + shape + ", }";
  header.append(63 - (10 + header.size()) % 64, ' ').push_back('\n');
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes.push_back(static_cast<char>(header.size() & 0xFF));
  bytes.push_back(static_cast<char>(header.size() >> 8));
  bytes += header;
  const std::size_t at = bytes.size();
  bytes.resize(at + values.size() * sizeof(T));
  if (!values.empty()) std::memcpy(bytes.data() + at, values.data(), values.size() * sizeof(T));
  return bytes;
}

class NetworkFiles : public ::testing::Test {
 protected:
  void file(const std::string& name, const std::string& bytes) { std::ofstream(folder_ / name) << bytes; }
  TomlProgram read(const std::string& network, const std::string& rest = "") {
    file("p.toml", "[network]\n" + network + "\n[[schedule]]\nop = \"sample\"\n" + rest);
    return read_toml_program(folder_ / "p.toml");
  }
  std::string refusal(const std::string& network, hb_status_t code = HB_BAD_ARG, const std::string& rest = "") {
    return error_of(code, [&] { read(network, rest); });
  }
  const TemporaryFolder folder_;
};

TEST_F(NetworkFiles, ValuesOfCellsComeFromArraysAndText) {
  file("b.npy", npy<float>("<f4", "(3,)", {1, -2, 0.5f}));
  file("d.npy", npy<double>("<f8", "(3,)", {0.1, 0.2, 0.3}));
  file("i.npy", npy<std::int64_t>("<i8", "(3,)", {-1, 0, 7}));
  file("k.txt", "\xef\xbb\xbf# temperatures\n0.5\r\n\n 1e-1 \n2\n");
  NpzFile archive;
  archive.add("x", std::span<const float>(std::vector<float>{3, 2, 1}), {3});
  archive.add("other", std::span<const double>(std::vector<double>{1}), {1});
  archive.write(folder_ / "s.npz");
  const TomlProgram p = read("cells = 3\nbias = { file = \"b.npy\" }\nj2 = { file = \"d.npy\" }\nkT = { file = \"k.txt\" }\n"
                             "frequency = { file = \"i.npy\" }\ninitial = { file = \"s.npz\", array = \"x\" }");
  EXPECT_THAT(*p.network.bias, ElementsAre(1, -2, 0.5f));
  EXPECT_THAT(*p.network.j2, ElementsAre(0.1f, 0.2f, 0.3f));
  EXPECT_THAT(*p.network.kT, ElementsAre(0.5f, 0.1f, 2));
  EXPECT_THAT(*p.network.frequency, ElementsAre(-1, 0, 7));
  EXPECT_THAT(*p.initial, ElementsAre(3, 2, 1));
  EXPECT_EQ(p.rows(), 0u);
}

TEST_F(NetworkFiles, RowsOfShotsSetTheirNumber) {
  file("x.npy", npy<float>("<f4", "(4, 2)", {0, 1, 2, 3, 4, 5, 6, 7}));
  file("b.npy", npy<float>("<f4", "(4, 2)", {0, 0, 0, 0, 1, 1, 1, 1}));
  file("three.npy", npy<float>("<f4", "(3, 2)", {0, 0, 0, 0, 1, 1}));
  const std::string network = "cells = 2\ninitial = { file = \"x.npy\" }\nbias = { file = \"b.npy\" }";
  EXPECT_EQ(read(network).shots, 4u);
  EXPECT_EQ(read(network, "[samples]\nshots = 4\n").shots, 4u);
  EXPECT_THAT(refusal(network, HB_BAD_ARG, "[samples]\nshots = 5\n"), HasSubstr("p.toml:8: samples.shots: is 5"));
  EXPECT_THAT(refusal("cells = 2\ninitial = { file = \"x.npy\" }\nbias = { file = \"three.npy\" }"), HasSubstr("rows"));
  EXPECT_THAT(refusal("cells = 2\nj2 = { file = \"x.npy\" }"), HasSubstr("has the shape (4, 2); needs (2,)"));

  Device device = open("func:cells=2&lanes=3&threads=1");
  const TomlProgram description = read(network);
  Program program = build_program(description, device);
  const Result result = device.run(program, {.shots = description.shots, .seed = 1});
  for (std::uint32_t shot = 0; shot < 4; ++shot) {
    EXPECT_EQ(result.capture.state(shot, 0)[0], static_cast<float>(2 * shot));
    EXPECT_EQ(result.capture.state(shot, 0)[1], static_cast<float>(2 * shot + 1));
  }
}

TEST_F(NetworkFiles, ABadArrayIsRefusedWithFileLineAndKey) {
  file("b.npy", npy<float>("<f4", "(3,)", {1, -2, 0.5f}));
  const auto of = [&](const std::string& name, const std::string& bytes) {
    file(name, bytes);
    return refusal("cells = 3\nbias = { file = \"" + name + "\" }");
  };
  EXPECT_THAT(refusal("cells = 4\nbias = { file = \"b.npy\" }"),
              HasSubstr("p.toml:3: network.bias.file: " + (folder_ / "b.npy").string() +
                        ": has the shape (3,); needs (4,), or (shots, 4)"));
  EXPECT_THAT(of("big.npy", npy<float>(">f4", "(3,)", {1, 2, 3})), HasSubstr("'>f4' (big-endian)"));
  EXPECT_THAT(of("half.npy", npy<std::uint16_t>("<f2", "(3,)", {1, 2, 3})), HasSubstr("is of type '<f2'"));
  EXPECT_THAT(of("nan.npy", npy<float>("<f4", "(3,)", {1, NAN, 3})), HasSubstr("value 1 is nan"));
  EXPECT_THAT(of("huge.npy", npy<double>("<f8", "(3,)", {1, 2, 1e300})), HasSubstr("value 2 is 1e+300"));
  EXPECT_THAT(of("short.npy", npy<float>("<f4", "(3,)", {1, 2})), HasSubstr("ends before its 3 values"));
  EXPECT_THAT(of("long.npy", npy<float>("<f4", "(3,)", {1, 2, 3, 4})), HasSubstr("goes on after its 3 values"));
  EXPECT_THAT(of("fortran.npy", npy<float>("<f4", "(1, 3)", {1, 2, 3}, "True")), HasSubstr("Fortran order"));
  EXPECT_THAT(of("enormous.npy", npy<float>("<f4", "(4000000000, 3)", {1, 2, 3})), HasSubstr("ends before"));
  EXPECT_THAT(of("text.npy", "1\n2\n3\n"), HasSubstr("ends early"));
  const std::string junk("\x93NUMPY\x01\x00\x10\x00{'descr': \x1b[31m}", 26);
  EXPECT_THAT(of("junk.npy", junk), HasSubstr("which is none of an array"));
  EXPECT_THAT(of("junk.npy", junk), ::testing::Not(HasSubstr("\x1b")));
  EXPECT_THAT(of("no.npz", "PK no archive"), HasSubstr("is no .npz file"));
  EXPECT_THAT(of("two.txt", "1 2\n3 4\n5 6\n"), HasSubstr("line 1: '1 2' is no finite number"));
  EXPECT_THAT(of("many.txt", "1\n2\n3\n4\n"), HasSubstr("has more than 3 numbers"));
  EXPECT_THAT(of("few.txt", "1\n2\n"), HasSubstr("has the shape (2,); needs (3,)"));
  EXPECT_THAT(of("word.txt", "1\ntwo\n3\n"), HasSubstr("line 2: 'two' is no finite number"));
  EXPECT_THAT(refusal("cells = 3\nbias = { file = \"/dev/zero\" }", HB_IO), HasSubstr("holds a zero byte"));
  EXPECT_THAT(refusal("cells = 3\nbias = { file = \"nosuch.npy\" }", HB_IO), HasSubstr("nosuch.npy: no such file"));
  EXPECT_THAT(refusal("cells = 3\nbias = { file = \".\" }", HB_IO), HasSubstr("is a folder"));
  EXPECT_THAT(refusal("cells = 3\nbias = { file = \"b.npy\", array = \"b\" }"), HasSubstr("is for .npz files"));
  EXPECT_THAT(refusal("cells = 3\nbias = { array = \"b\" }"), HasSubstr("the key file is missing"));
  NpzFile archive;
  archive.add("x", std::span<const float>(std::vector<float>{3, 2, 1}), {3});
  archive.add("y", std::span<const float>(std::vector<float>{3, 2, 1}), {3});
  archive.write(folder_ / "s.npz");
  EXPECT_THAT(refusal("cells = 3\nbias = { file = \"s.npz\" }"), HasSubstr("has 2 arrays; say which with array"));
  EXPECT_THAT(refusal("cells = 3\nbias = { file = \"s.npz\", array = \"z\" }"), HasSubstr("has no array 'z'; it has x, y"));
}

TEST_F(NetworkFiles, CouplingsComeFromListsAndMatrices) {
  file("w.mtx", "%%MatrixMarket matrix coordinate real symmetric\n4 4 3\n2 1 .5\n3 1 -1\n4 3 2\n");
  file("w.edges", "1 0 .5\n2 0 -1\n2 3 2\n");
  file("w.gset", "4 3\n1 2 .5\n1 3 -1\n3 4 2\n");
  file("w.npy", npy<double>("<f8", "(4, 4)", {0, .5, -1, 0, .5, 0, 0, 0, -1, 0, 0, 2, 0, 0, 2, 0}));
  const auto matrix = [&](const std::string& source) {
    return matrix_of(*read("cells = 4\ncouplings = { " + source + " }").network.couplings, 4);
  };
  const std::vector<float> expected{0, .5f, -1, 0, .5f, 0, 0, 0, -1, 0, 0, 2, 0, 0, 2, 0};
  for (const char* name : {"w.mtx", "w.edges", "w.gset", "w.npy"}) {
    EXPECT_EQ(matrix("file = \"" + std::string(name) + "\""), expected) << name;
    EXPECT_EQ(matrix("file = \"" + std::string(name) + "\", scale = -2")[1], -1.0f) << name;
  }
  file("one_way.mtx", "%%MatrixMarket matrix coordinate real general\n2 2 1\n1 2 4\n");
  const TomlProgram p = read("cells = 2\ncouplings = { file = \"one_way.mtx\", directed = true }");
  EXPECT_THAT(matrix_of(*p.network.couplings, 2), ElementsAre(0, 4, 0, 0)) << "what cell 1 does to cell 0";
  file("plain.edges", "0 1\n");
  const auto refused = [&](const std::string& source) { return refusal("cells = 3\ncouplings = { " + source + " }"); };
  EXPECT_THAT(refused("file = \"plain.edges\""), HasSubstr("network.couplings.file: has pairs without values"));
  EXPECT_THAT(refused("file = \"w.mtx\""), HasSubstr("network.couplings.file: has 4 cells; the network has 3"));
  EXPECT_THAT(refused("file = \"w.npy\""), HasSubstr("has the shape (4, 4); couplings of 3 cells need (3, 3)"));
  EXPECT_THAT(refused("file = \"one_way.mtx\""), HasSubstr("one_way.mtx, line 3: entry (0, 1), counted from 0, lacks"));
  EXPECT_THAT(refused("chain = 1, scale = 2"), HasSubstr("scale: belongs to file"));
  file("skew.npy", npy<float>("<f4", "(2, 2)", {0, 1, 2, 0}));
  file("own.npy", npy<float>("<f4", "(2, 2)", {1, 1, 1, 0}));
  EXPECT_THAT(refusal("cells = 2\ncouplings = { file = \"skew.npy\" }"), HasSubstr("needs a symmetric matrix"));
  EXPECT_THAT(refusal("cells = 2\ncouplings = { file = \"own.npy\" }"), HasSubstr("couples cell 0 to itself"));
}

TEST_F(NetworkFiles, TheGraphOfADeviceBringsItsCouplings) {
  file("w.edges", "0 1 -0.5\n1 2 0.25\n0 3 0.75\n");
  Device device = open("func:topology=" + (folder_ / "w.edges").string() + "&threads=1");
  const auto applied = [&](const std::string& couplings) {
    TomlProgram p = read("cells = 4\n" + couplings, "[[schedule]]\nop = \"readback\"\nsection = \"coupler_values\"\n");
    return device.run(build_program(p, device), {}).readback[0];
  };
  EXPECT_THAT(applied(""), ElementsAre(-0.5f, 0.75f, 0.25f)) << "no free gas";
  EXPECT_THAT(applied("couplings = { graph = -2 }"), ElementsAre(1, -1.5f, -0.5f));
  EXPECT_THAT(applied("couplings = { each = 3 }"), ElementsAre(3, 3, 3));
  EXPECT_THAT(applied("couplings = { each = 0 }"), ElementsAre(0, 0, 0));
  EXPECT_THAT(applied("couplings = [[3, 0, 2]]"), ElementsAre(0, 2, 0));
  EXPECT_THAT(error_of(HB_BAD_ARG, [&] { applied("couplings = { all = 1 }"); }), HasSubstr("not one for each of the 6 pairs"));
  EXPECT_THAT(error_of(HB_BAD_ARG, [&] { applied("couplings = { chain = 1 }"); }),
              HasSubstr("no coupler between cells 2 and 3"));
  Device dense = open("func:cells=4&threads=1");
  EXPECT_THAT(error_of(HB_UNSUPPORTED, [&] { build_program(read("cells = 4\ncouplings = { graph = 1 }"), dense); }),
              HasSubstr("it has no graph with couplings"));
}

TEST_F(NetworkFiles, FormsOfCouplingsGiveTheBitsOfTheMatrix) {
  const auto states = [&](const char* uri, const std::string& couplings) {
    Device device = open(uri);
    const TomlProgram p = read("cells = 4\ncouplings = " + couplings, "[[schedule]]\nop = \"evolve\"\nduration = 0.2\n");
    const Result result = device.run(build_program(p, device), {.shots = 2, .seed = 5});
    const auto all = result.capture.trajectory(1);
    return std::vector<float>(all.begin(), all.end());
  };
  const char* matrix = "{ matrix = [[0, 0.5, 0, 0.5], [0.5, 0, 0.5, 0], [0, 0.5, 0, 0.5], [0.5, 0, 0.5, 0]] }";
  for (const char* uri : {"func:cells=4&threads=1", "func:topology=ring:4&threads=1", "func:cells=4&reciprocal=no&threads=1",
                          "func:topology=king:2x2&reciprocal=no&threads=1"}) {
    SCOPED_TRACE(uri);
    const std::vector<float> expected = states(uri, matrix);
    EXPECT_EQ(states(uri, "{ chain = 0.5, periodic = true }"), expected);
    EXPECT_EQ(states(uri, "[[0, 1, 0.5], [2, 1, 0.5], [2, 3, 0.5], [3, 0, 0.5]]"), expected);
    EXPECT_EQ(states(uri, "{ directed = [[0, 1, 0.5], [1, 0, 0.5], [2, 1, 0.5], [1, 2, 0.5], [2, 3, 0.5], [3, 2, 0.5], "
                          "[3, 0, 0.5], [0, 3, 0.5]] }"),
              expected);
  }
  EXPECT_EQ(states("func:topology=ring:4&threads=1", "{ each = 0.5 }"), states("func:topology=ring:4&threads=1", matrix));
  EXPECT_THAT(error_of(HB_BAD_ARG, [&] { states("func:cells=4&threads=1", "{ directed = [[0, 1, 0.5]] }"); }),
              HasSubstr("J[0][1] is 0.5 but J[1][0] is 0; this device's couplings are symmetric"));
}

TEST_F(NetworkFiles, AskTheDeviceBeforeTheyTakeMemory) {
  Device device = open("func:threads=1");
  const TomlProgram p = read("cells = 200000000\ncouplings = [[0, 199999999, 1.0]]");
  EXPECT_THAT(error_of(HB_BAD_ARG, [&] { build_program(p, device); }),
              HasSubstr("network.cells = 200000000: the device has 2048"));
}

}  // namespace
}  // namespace heatbath::apps

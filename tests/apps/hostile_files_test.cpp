// Files of others: shapes that lie, numbers in other dialects, files without end, text for a terminal.
#include <gmock/gmock.h>
#include <hdf5.h>

#include <cmath>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "error_of.hpp"
#include "files/ergodicity_file.hpp"
#include "files/hdf5_file.hpp"
#include "files/score_file.hpp"
#include "files/toml_program.hpp"
#include "heatbath/trainers/ergodicity/spins.hpp"
#include "temporary_folder.hpp"

namespace heatbath::apps {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class HostileFiles : public ::testing::Test {
 protected:
  std::filesystem::path write(const std::string& text) const {
    std::ofstream(folder / "file", std::ios::binary) << text;
    return folder / "file";
  }
  TemporaryFolder folder;
};

// -- machines.json --

SavedMachines small_machines() {
  SavedMachines saved;
  saved.problem = "two-patterns";
  saved.options.experts = 2;
  const auto machine = [](std::uint32_t cells) {
    trainers::MachineTraining training;
    training.machine = trainers::SpinMachine(cells);
    for (std::uint32_t i = 0; i < cells; ++i) training.machine.field[i] = 0.1f * static_cast<float>(i);
    training.machine.couple(0, 1, -0.3f);
    training.updates = 3;
    return training;
  };
  saved.state.single = machine(4);
  saved.state.experts.machines = {machine(4), machine(4)};
  saved.state.experts.shares = {0.75, 0.25};
  saved.state.experts.free_energies.resize(2);
  saved.state.experts.responsibilities = {1, 0, 0, 1};
  return saved;
}

class Machines : public HostileFiles {
 protected:
  /// The complaint about a file without checksum, as it was before there was one, changed by hand.
  template <typename Change>
  std::string changed(const Change& change) const {
    nlohmann::json file = nlohmann::json::parse(machines_text(small_machines()));
    file.erase("version"), file.erase("crc32");
    change(file);
    return error_of(HB_BAD_ARG, [&] { read_machines(write(file.dump())); });
  }
};

// Found by fuzz_readers: the parser's own words quoted a DEL.
TEST_F(HostileFiles, ErrorsAboutJsonShowNoControlCharacters) {
  const std::string text = "{\"problem\": tru\x7F}";
  const auto shown = AllOf(HasSubstr("\\x7f"), Not(HasSubstr("\x7F")));
  EXPECT_THAT(error_of(HB_BAD_ARG, [&] { read_machines(write(text)); }), shown);
  EXPECT_THAT(error_of(HB_IO, [&] { read_score(write(text)); }), shown);
}

TEST_F(Machines, ReadBackAsWritten) {
  const SavedMachines back = read_machines(write(machines_text(small_machines())));
  EXPECT_EQ(machines_text(back), machines_text(small_machines()));
}

TEST_F(Machines, OfBeforeTheChecksumAreRead) {
  nlohmann::json file = nlohmann::json::parse(machines_text(small_machines()));
  file.erase("version"), file.erase("crc32");
  EXPECT_EQ(read_machines(write(file.dump())).state.experts.shares[0], 0.75);
}

TEST_F(Machines, ADigitThatChangedIsRefused) {
  const std::string text = machines_text(small_machines());
  for (const char* number : {"0.75", "0.1000", "\"updates\":3"}) {
    std::string other = text;
    const std::size_t at = other.find(number);
    ASSERT_NE(at, std::string::npos) << number;
    other[at + std::string(number).size() - 1] ^= 1;
    EXPECT_THAT(error_of(HB_BAD_ARG, [&] { read_machines(write(other)); }), HasSubstr("damaged")) << number;
  }
}

TEST_F(Machines, ShapesAreComparedBeforeThereIsMemoryForThem) {
  const auto expert = [](nlohmann::json& file) -> nlohmann::json& { return file["mixture"]["machines"][0]; };
  EXPECT_THAT(changed([&](auto& file) { expert(file)["cells"] = 40000; }), HasSubstr("fields: 4 values for 40000 cells"));
  EXPECT_THAT(changed([&](auto& file) { expert(file)["cells"] = 4294967295u; }), HasSubstr("fields"));
  EXPECT_THAT(changed([&](auto& file) { expert(file)["cells"] = 0; expert(file)["fields"] = nlohmann::json::array(); }),
              HasSubstr("couplings"));
  EXPECT_THAT(changed([&](auto& file) { expert(file)["visible"] = 5; }), HasSubstr("visible: 5 of 4"));
  EXPECT_THAT(changed([&](auto& file) { expert(file)["chains"] = "+-+"; }), HasSubstr("chains"));
  EXPECT_THAT(changed([&](auto& file) { expert(file)["chains"] = "+-+x"; }), HasSubstr("signs"));
  EXPECT_THAT(changed([&](auto& file) { expert(file)["updates"] = -1; }), HasSubstr("updates"));
  EXPECT_THAT(changed([&](auto& file) { expert(file)["updates"] = 4294967296u; }), HasSubstr("updates"));
  EXPECT_THAT(changed([&](auto& file) { expert(file)["fields"][2] = "x"; }), HasSubstr("fields"));
  EXPECT_THAT(changed([&](auto& file) { file["mixture"]["rounds"] = -1; }), HasSubstr("rounds"));
  EXPECT_THAT(changed([&](auto& file) { file["effort"] = nullptr; }), HasSubstr("effort"));
}

TEST_F(Machines, MoreValuesThanTheTextOfATrainingHasAreRefused) {
  std::string text = "[1";
  for (int i = 0; i < 4000000; ++i) text += ",1";
  EXPECT_THAT(error_of(HB_BAD_ARG, [&] { read_machines(write(text + "]")); }), HasSubstr("more values"));
}

// -- lists of numbers and patterns --

std::string column(double offset, double scale) {
  std::string text;
  char number[64];
  for (int i = 0; i < 32; ++i) {
    std::snprintf(number, sizeof number, "%.17g\n", offset + scale * (i * 7 % 32));
    text += number;
  }
  return text;
}

TEST_F(HostileFiles, ColumnsAreNoList) {
  std::string text = "# time value\n";
  for (int i = 0; i < 30; ++i) text += std::to_string(i) + " " + std::to_string(i * i) + "\n";
  EXPECT_THAT(error_of(HB_IO, [&] { read_values(write(text)); }), AllOf(HasSubstr("file:2:"), HasSubstr("one number a line")));
  std::string one_line;
  for (int i = 0; i < 30; ++i) one_line += std::to_string(i) + (i % 2 == 0 ? "," : "; ");
  EXPECT_EQ(read_values(write(one_line)).values.size(), 30u);
}

TEST_F(HostileFiles, NumbersOfOtherDialectsAreRefusedWithTheirLine) {
  for (const char* wrong : {"1.5D3", "0x10", "1,5e", "1_000", "1'000", "nan", "inf", "1e999", "12abc"}) {
    const std::string message = error_of(HB_IO, [&] { read_values(write(column(0, 1) + wrong + "\n")); });
    EXPECT_THAT(message, HasSubstr("file:33:")) << wrong;
  }
  EXPECT_THAT(error_of(HB_IO, [&] { read_values(write("1\n\x1b[31mred\x07\n")); }),
              AllOf(HasSubstr("\\x1b[31mred\\x07"), Not(HasSubstr("\x1b"))));
  EXPECT_LT(error_of(HB_IO, [&] { read_values(write(std::string(1000000, 'x'))); }).size(), 400u);
}

TEST_F(HostileFiles, ValuesFarFromZeroHugeOrTinyAreTheSameLaw) {
  const std::vector<double> expected = read_values(write(column(0, 1))).values;
  for (const auto& [offset, scale] : {std::pair{1e15, 1.0}, {0.0, 1e200}, {0.0, 1e-300}, {-3e12, 0.25}, {0.0, -1e305}}) {
    const StandardValues found = read_values(write(column(offset, scale)));
    for (std::size_t i = 0; i < expected.size(); ++i)
      EXPECT_NEAR(found.values[i], scale < 0 ? -expected[i] : expected[i], 1e-9) << offset << " " << scale;
    EXPECT_NEAR(found.deviation / std::abs(scale), std::sqrt((32.0 * 32 - 1) / 12), 1e-9) << "of 0 to 31, each once";
    EXPECT_NEAR((found.mean - offset) / scale, 15.5, offset == 0 ? 1e-9 : 0.1);
  }
  std::string equal;
  for (int i = 0; i < 20; ++i) equal += "7\n";
  EXPECT_THAT(error_of(HB_IO, [&] { read_values(write(equal)); }), HasSubstr("all values are equal"));
}

TEST_F(HostileFiles, AByteOrderMarkIsSkippedByEveryReaderOfText) {
  const std::string mark = "\xef\xbb\xbf";
  EXPECT_EQ(read_values(write(mark + column(0, 1))).values.size(), 32u);
  EXPECT_EQ(trainers::read_patterns(write(mark + "1101\r\n0011\r\n")).size(), 2u);
  EXPECT_EQ(read_toml_program(write(mark + "[network]\ncells = 2\n[[schedule]]\nop = \"sample\"\n")).cells, 2u);
  EXPECT_EQ(read_machines(write(mark + machines_text(small_machines()))).problem, "two-patterns");
}

TEST_F(HostileFiles, NothingIsReadWithoutEnd) {
  const auto refused = [](const char* path, const char* words) {
    EXPECT_THAT(error_of(HB_IO, [&] { read_values(path); }), HasSubstr(words)) << path;
    EXPECT_THAT(error_of(HB_IO, [&] { trainers::read_patterns(path); }), HasSubstr(words)) << path;
    EXPECT_THAT(error_of(HB_IO, [&] { read_toml_program(path); }), HasSubstr(words)) << path;
    EXPECT_THAT(error_of(HB_IO, [&] { read_machines(path); }), HasSubstr(words)) << path;
    EXPECT_THAT(error_of(HB_IO, [&] { read_score(path); }), HasSubstr(words)) << path;
  };
  refused("/dev/zero", "is no text: it holds a zero byte");
  refused("/dev/null", "is empty");
  refused("/tmp", "is a folder");
  refused("/no/such", "no such file");
}

TEST_F(HostileFiles, WeightsThatADoubleCannotKeepBesideOthersAreRefused) {
  EXPECT_EQ(trainers::read_patterns(write("1101 1e308\n0011 1e308\n")).weights, (std::vector<double>{0.5, 0.5}));
  EXPECT_THAT(error_of(HB_BAD_ARG, [&] { trainers::read_patterns(write("1101 1e300\n0011 1e-300\n")); }),
              HasSubstr("lost beside the largest"));
  EXPECT_THAT(error_of(HB_BAD_ARG, [&] { trainers::read_patterns(write("1101 0x10\n")); }), HasSubstr("file:1:"));
}

// -- HDF5 --

class Hdf5Files : public HostileFiles {
 protected:
  std::filesystem::path path = folder / "values.h5";

  /// A file whose data set "values" `create` makes.
  template <typename Create>
  void make(const Create& create) const {
    const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    create(file);
    H5Fclose(file);
  }
  std::string complaint(const Shape& shape = {4}) const {
    return error_of(HB_IO, [&] { Hdf5Reader(path).floats("values", shape); });
  }
};

TEST_F(Hdf5Files, AreNotLedToOtherFiles) {
  make([&](hid_t file) { H5Lcreate_external("/etc/passwd", "/x", file, "values", H5P_DEFAULT, H5P_DEFAULT); });
  EXPECT_THAT(complaint(), AllOf(HasSubstr("values"), HasSubstr("another file")));
  make([&](hid_t file) {
    H5Lcreate_external("/etc/passwd", "/", file, "there", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_soft("/there/x", file, "values", H5P_DEFAULT, H5P_DEFAULT);
  });
  EXPECT_THAT(complaint(), HasSubstr("values"));
  make([&](hid_t file) {
    const hsize_t size = 4;
    const hid_t space = H5Screate_simple(1, &size, nullptr), properties = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_external(properties, "/etc/passwd", 0, 16);
    H5Dclose(H5Dcreate2(file, "values", H5T_NATIVE_FLOAT, space, H5P_DEFAULT, properties, H5P_DEFAULT));
    H5Pclose(properties), H5Sclose(space);
  });
  EXPECT_THAT(complaint(), HasSubstr("another file"));
  make([&](hid_t file) {
    const hsize_t size = 4;
    const hid_t space = H5Screate_simple(1, &size, nullptr), properties = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_virtual(properties, space, "/tmp/other.h5", "/x", space);
    H5Dclose(H5Dcreate2(file, "values", H5T_NATIVE_FLOAT, space, H5P_DEFAULT, properties, H5P_DEFAULT));
    H5Pclose(properties), H5Sclose(space);
  });
  EXPECT_THAT(complaint(), HasSubstr("another file"));
}

TEST_F(Hdf5Files, ThatClaimMoreThanTheyHoldAreRefusedBeforeThereIsMemory) {
  make([&](hid_t file) {
    const hsize_t size[2] = {50000, 50000}, chunk[2] = {1000, 1000};
    const hid_t space = H5Screate_simple(2, size, nullptr), properties = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(properties, 2, chunk);
    H5Pset_deflate(properties, 9);
    H5Dclose(H5Dcreate2(file, "values", H5T_NATIVE_FLOAT, space, H5P_DEFAULT, properties, H5P_DEFAULT));
    H5Pclose(properties), H5Sclose(space);
  });
  EXPECT_THAT(complaint({50000, 50000}), HasSubstr("too large for a file of this size"));
}

TEST_F(Hdf5Files, TextsOfVariableLengthAreRead) {
  make([&](hid_t file) {
    const hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
    H5Tset_size(type, H5T_VARIABLE);
    H5Tset_cset(type, H5T_CSET_UTF8);
    const char* const text = "as h5py writes it";
    const hid_t attribute = H5Acreate2(file, "text", type, space, H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(attribute, type, &text);
    H5Aclose(attribute);
    const hsize_t two = 2;
    const hid_t pair = H5Screate_simple(1, &two, nullptr), fixed = H5Tcopy(H5T_C_S1);
    H5Tset_size(fixed, 100);
    H5Aclose(H5Acreate2(file, "texts", fixed, pair, H5P_DEFAULT, H5P_DEFAULT));
    H5Sclose(pair), H5Tclose(fixed), H5Sclose(space), H5Tclose(type);
  });
  const Hdf5Reader reader(path);
  EXPECT_EQ(reader.text("text"), "as h5py writes it");
  EXPECT_THAT(error_of(HB_IO, [&] { reader.text("texts"); }), HasSubstr("not one text"));
  EXPECT_THAT(error_of(HB_IO, [] { Hdf5Reader("/dev/null"); }), HasSubstr("not a regular file"));
  EXPECT_THAT(error_of(HB_IO, [] { Hdf5Reader("/tmp"); }), HasSubstr("is a folder"));
}

}  // namespace
}  // namespace heatbath::apps

#include "files/model_file.hpp"

#include <gmock/gmock.h>
#include <hdf5.h>

#include <cmath>
#include <functional>
#include <fstream>
#include <limits>
#include <sstream>

#include "error_of.hpp"
#include "temporary_folder.hpp"

namespace heatbath::apps {
namespace {

using ::testing::HasSubstr;

/// Two visible cells, three hidden ones, every value different.
SavedModel small_model() {
  SavedModel saved;
  trainers::GenerativeModel& model = saved.model;
  model.visible = 2;
  model.hidden = 3;
  model.couplings.assign(25, 0.0f);
  float value = 0.125f;
  for (std::size_t i = 0; i < 5; ++i) {
    for (std::size_t j = std::max<std::size_t>(i + 1, 2); j < 5; ++j) {
      model.couplings[i * 5 + j] = model.couplings[j * 5 + i] = value += 0.25f;
    }
  }
  model.bias = {0, 0, -1.5f, 2.25f, 1e-7f};
  model.j2 = -0.5f;
  model.j4 = 2;
  model.kT = 0.3f;
  model.tf = 1.75;
  model.scaling = trainers::Scaling::unit_variance;
  model.drive = trainers::Drive::projection;
  model.optimizer = trainers::Optimizer::online;
  model.updates = 7;
  model.seed = 0xFEDCBA9876543210u;
  model.prototypes = {{3, 8}, {0.5f, -0.5f, 1.5f, -1.5f}};
  model.data_source = "drawn";
  model.device = "func:profile=ideal";
  saved.actions = {{3.5, 1.25}, {2.5, 1.5}};
  saved.held_out_first = {4, 1};
  saved.held_out_last = {std::numeric_limits<double>::quiet_NaN(), 1};
  saved.held_out_trajectories = 20;
  return saved;
}

std::string bytes(const std::filesystem::path& path) {
  std::ostringstream out;
  out << std::ifstream(path, std::ios::binary).rdbuf();
  return out.str();
}

class ModelFile : public ::testing::Test {
 protected:
  TemporaryFolder folder;
  std::filesystem::path path = folder / "model.h5";

  void SetUp() override { save_model(path, small_model()); }

  /// Changes the file behind the reader's back.
  void edit(const std::function<void(hid_t)>& change) {
    const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
    ASSERT_GE(file, 0);
    change(file);
    H5Fclose(file);
  }

  static void set_integer(hid_t file, const char* name, std::uint64_t value) {
    const hid_t id = H5Aopen(file, name, H5P_DEFAULT);
    H5Awrite(id, H5T_NATIVE_UINT64, &value);
    H5Aclose(id);
  }
  static void set_number(hid_t file, const char* name, double value) {
    const hid_t id = H5Aopen(file, name, H5P_DEFAULT);
    H5Awrite(id, H5T_NATIVE_DOUBLE, &value);
    H5Aclose(id);
  }
  static void set_value(hid_t file, const char* name, std::size_t index, float value) {
    const hid_t set = H5Dopen2(file, name, H5P_DEFAULT);
    const hid_t space = H5Dget_space(set);
    std::vector<float> values(H5Sget_simple_extent_npoints(space));
    H5Dread(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
    values[index] = value;
    H5Dwrite(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
    H5Sclose(space);
    H5Dclose(set);
  }

  std::string rejection() {
    const std::string message = error_of(HB_IO, [&] { load_model(path); });
    EXPECT_THAT(message, HasSubstr(path.string()));
    return message;
  }
};

TEST_F(ModelFile, SegmentsAndLabelsMakeTheRoundTripAndPlainModelsKeepTheOldFormat) {
  SavedModel want = small_model();
  trainers::GenerativeModel& model = want.model;
  model.segments = 2;
  model.labels = 2;
  model.ramp_end = 0.35;
  model.optimizer = trainers::Optimizer::least_squares;
  const std::size_t n = model.cells();
  ASSERT_EQ(n, 7u);
  model.couplings.assign(2 * n * n, 0.0f);
  model.bias.assign(2 * n, 0.0f);
  float value = 0.5f;
  for (std::size_t segment = 0; segment < 2; ++segment) {
    for (std::size_t i = 0; i < 5; ++i) {
      model.bias[segment * n + i] = value += 0.125f;
      for (std::size_t j = std::max<std::size_t>(i + 1, 2); j < n; ++j) {
        float* matrix = model.couplings.data() + segment * n * n;
        matrix[i * n + j] = matrix[j * n + i] = value += 0.25f;
      }
    }
    for (std::size_t l = 5; l < n; ++l) {  // label cells act on visible cells, too
      for (std::size_t i = 0; i < 2; ++i) {
        float* matrix = model.couplings.data() + segment * n * n;
        matrix[i * n + l] = matrix[l * n + i] = value += 0.25f;
      }
    }
  }
  save_model(folder / "segments.h5", want);
  const SavedModel got = load_model(folder / "segments.h5");
  EXPECT_EQ(got.model.segments, 2u);
  EXPECT_EQ(got.model.labels, 2u);
  EXPECT_EQ(got.model.ramp_end, 0.35);
  EXPECT_EQ(got.model.optimizer, trainers::Optimizer::least_squares);
  EXPECT_EQ(got.model.couplings, model.couplings);
  EXPECT_EQ(got.model.bias, model.bias);

  edit([](hid_t file) {
    const hid_t id = H5Aopen(file, "format_version", H5P_DEFAULT);
    std::uint64_t version = 0;
    H5Aread(id, H5T_NATIVE_UINT64, &version);
    H5Aclose(id);
    EXPECT_EQ(version, 1u);
    EXPECT_EQ(H5Aexists(file, "segments"), 0);
    EXPECT_EQ(H5Aexists(file, "ramp_end"), 0);
  });
  EXPECT_EQ(load_model(path).model.segments, 1u);
  EXPECT_EQ(load_model(path).model.ramp_end, 0.75);
}

TEST_F(ModelFile, RoundTripKeepsEveryValue) {
  const SavedModel want = small_model(), got = load_model(path);
  EXPECT_EQ(got.model.visible, want.model.visible);
  EXPECT_EQ(got.model.hidden, want.model.hidden);
  EXPECT_EQ(got.model.couplings, want.model.couplings);
  EXPECT_EQ(got.model.bias, want.model.bias);
  EXPECT_EQ(got.model.j2, want.model.j2);
  EXPECT_EQ(got.model.j4, want.model.j4);
  EXPECT_EQ(got.model.kT, want.model.kT);
  EXPECT_EQ(got.model.tf, want.model.tf);
  EXPECT_EQ(got.model.scaling, want.model.scaling);
  EXPECT_EQ(got.model.drive, want.model.drive);
  EXPECT_EQ(got.model.optimizer, want.model.optimizer);
  EXPECT_EQ(got.model.updates, want.model.updates);
  EXPECT_EQ(got.model.seed, want.model.seed);
  EXPECT_EQ(got.model.prototypes.digits, want.model.prototypes.digits);
  EXPECT_EQ(got.model.prototypes.images, want.model.prototypes.images);
  EXPECT_EQ(got.model.data_source, want.model.data_source);
  EXPECT_EQ(got.model.device, want.model.device);
  ASSERT_EQ(got.actions.size(), 2u);
  EXPECT_EQ(got.actions[1].per_step, 2.5);
  EXPECT_EQ(got.actions[1].floor, 1.5);
  EXPECT_EQ(got.held_out_first.per_step, 4);
  EXPECT_TRUE(std::isnan(got.held_out_last.per_step));
  EXPECT_EQ(got.held_out_trajectories, 20u);
}

TEST_F(ModelFile, SameModelGivesTheSameBytes) {
  save_model(folder / "again.h5", small_model());
  EXPECT_EQ(bytes(path), bytes(folder / "again.h5"));
  EXPECT_EQ(folder.entries(), 2u);
}

TEST_F(ModelFile, MissingFileIsNamed) {
  std::filesystem::remove(path);
  EXPECT_THAT(rejection(), HasSubstr("no such file"));
}

TEST_F(ModelFile, TextFileIsNoModel) {
  std::ofstream(path) << "couplings: many\n";
  EXPECT_THAT(rejection(), HasSubstr("not an HDF5 file"));
}

TEST_F(ModelFile, TruncatedFileIsNoModel) {
  std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
  rejection();
}

TEST_F(ModelFile, OtherHdf5FileIsNoModel) {
  std::filesystem::remove(path);
  H5Fclose(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT));
  EXPECT_THAT(rejection(), HasSubstr("not a Heatbath model"));
}

TEST_F(ModelFile, OtherFormatVersionIsRefused) {
  edit([](hid_t file) { set_integer(file, "format_version", 3); });
  EXPECT_THAT(rejection(), HasSubstr("format version 3"));
}

TEST_F(ModelFile, NanNamesDataSetAndPlace) {
  edit([](hid_t file) { set_value(file, "couplings_visible_hidden", 4, std::nanf("")); });
  EXPECT_THAT(rejection(), HasSubstr("couplings_visible_hidden has nan at value 4"));
}

TEST_F(ModelFile, InfinityInBiasIsRefused) {
  edit([](hid_t file) { set_value(file, "bias_hidden", 1, INFINITY); });
  EXPECT_THAT(rejection(), HasSubstr("bias_hidden has inf at value 1"));
}

TEST_F(ModelFile, NanInPrototypesIsRefused) {
  edit([](hid_t file) { set_value(file, "prototypes_images", 0, std::nanf("")); });
  EXPECT_THAT(rejection(), HasSubstr("prototypes_images"));
}

TEST_F(ModelFile, WrongShapeNamesBothShapes) {
  edit([](hid_t file) { set_integer(file, "hidden", 4); });
  EXPECT_THAT(rejection(), HasSubstr("couplings_visible_hidden is 2 x 3; it would be 2 x 4"));
}

TEST_F(ModelFile, ImpossibleSizeIsRefusedBeforeMemoryIsTaken) {
  edit([](hid_t file) { set_integer(file, "visible", 1ull << 40); });
  EXPECT_THAT(rejection(), HasSubstr("attribute visible"));
}

TEST_F(ModelFile, AsymmetricHiddenBlockIsRefused) {
  edit([](hid_t file) { set_value(file, "couplings_hidden_hidden", 1, 9.0f); });
  EXPECT_THAT(rejection(), HasSubstr("symmetric"));
}

TEST_F(ModelFile, SelfCouplingIsRefused) {
  edit([](hid_t file) { set_value(file, "couplings_hidden_hidden", 4, 1.0f); });
  EXPECT_THAT(rejection(), HasSubstr("zero diagonal"));
}

TEST_F(ModelFile, MissingDataSetIsNamed) {
  edit([](hid_t file) { H5Ldelete(file, "bias_hidden", H5P_DEFAULT); });
  EXPECT_THAT(rejection(), HasSubstr("bias_hidden is missing"));
}

TEST_F(ModelFile, MissingAttributeIsNamed) {
  edit([](hid_t file) { H5Adelete(file, "kT"); });
  EXPECT_THAT(rejection(), HasSubstr("attribute kT is missing"));
}

TEST_F(ModelFile, TemperatureMustBePositiveAndFinite) {
  edit([](hid_t file) { set_number(file, "kT", 0); });
  EXPECT_THAT(rejection(), HasSubstr("attribute kT = 0"));
  edit([](hid_t file) { set_number(file, "kT", std::nan("")); });
  EXPECT_THAT(rejection(), HasSubstr("attribute kT = nan"));
}

TEST_F(ModelFile, WrongTypeOfAttributeIsRefused) {
  edit([](hid_t file) {
    H5Adelete(file, "hidden");
    const hid_t space = H5Screate(H5S_SCALAR);
    const hid_t id = H5Acreate2(file, "hidden", H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, H5P_DEFAULT);
    const double value = 3;
    H5Awrite(id, H5T_NATIVE_DOUBLE, &value);
    H5Aclose(id);
    H5Sclose(space);
  });
  EXPECT_THAT(rejection(), HasSubstr("attribute hidden is not a whole number"));
}

TEST_F(ModelFile, UnknownDriveListsTheDrives) {
  edit([](hid_t file) {
    const hid_t id = H5Aopen(file, "drive", H5P_DEFAULT);
    const hid_t type = H5Aget_type(id);
    H5Awrite(id, type, "projectile\0");
    H5Tclose(type);
    H5Aclose(id);
  });
  const std::string message = error_of(HB_BAD_ARG, [&] { load_model(path); });
  EXPECT_THAT(message, HasSubstr("pixel or projection"));
}

}  // namespace
}  // namespace heatbath::apps

#pragma once
// The series of numbers in any result file.

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace heatbath::apps {

/// A named array in double, row-major.
struct ResultArray {
  std::string name;  ///< of JSON the way to it: "models.0.heat"
  std::vector<std::size_t> shape;
  std::vector<double> values;
};

/// All arrays of numbers of a file that the command writes, in its order, without provenance and other texts: of .npz and
/// .h5 the arrays; of .json lists of numbers, lists of such lists of one length (a matrix), and of a list of objects each
/// key that is a number in all of them. Single numbers are left out. Throws Error(IO, BAD_ARG) in one line: another kind
/// of file, a damaged one, one with more than most_values values.
std::vector<ResultArray> result_arrays(const std::filesystem::path& file);

constexpr std::size_t most_result_values = std::size_t{1} << 27;

}  // namespace heatbath::apps

#include "monitor/training_folder.hpp"

#include <algorithm>
#include <fstream>
#include <numeric>
#include <system_error>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "files/hdf5_file.hpp"
#include "files/provenance.hpp"
#include "files/utf8.hpp"
#include "heatbath/error.hpp"

namespace heatbath::monitor {
namespace {

namespace fs = std::filesystem;

/// Where trainers keep how they are doing: a data set with a value for each update, and what it is for a person.
struct Losses {
  const char *file, *dataset, *less, *what;
};
constexpr Losses known[]{
    {"model.h5", "training_action_per_step", "training_action_floor", "action above its floor, each update"},
    {"score_network.h5", "losses", nullptr, "loss of each segment of time"},
};

std::vector<double> read_losses(const fs::path& path, const Losses& losses) {
  const apps::Hdf5Reader file(path);
  const apps::Shape shape = file.shape(losses.dataset);
  if (shape.size() != 1) return {};
  std::vector<double> values = file.doubles(losses.dataset, shape);
  if (losses.less != nullptr && file.shape(losses.less) == shape) {
    const std::vector<double> less = file.doubles(losses.less, shape);
    std::transform(values.begin(), values.end(), less.begin(), values.begin(), std::minus<>());
  }
  return values;
}

}  // namespace

std::vector<double> thinned(const std::vector<double>& values, std::size_t points) {
  if (values.size() <= points) return values;
  std::vector<double> means(points);
  for (std::size_t k = 0; k < points; ++k) {
    const auto begin = values.begin() + static_cast<std::ptrdiff_t>(k * values.size() / points);
    const auto end = values.begin() + static_cast<std::ptrdiff_t>((k + 1) * values.size() / points);
    means[k] = std::accumulate(begin, end, 0.0) / static_cast<double>(end - begin);
  }
  return means;
}

TrainingFolder::TrainingFolder(fs::path folder) : folder_(std::move(folder)) {
  std::error_code none;
  if (!fs::is_directory(folder_, none)) throw Error(HB_IO, "folder " + folder_.string() + ": there is none; it is the one that a trainer writes to (--out)");
}

const std::string& TrainingFolder::json() {
  std::error_code none;
  const Losses* found = nullptr;
  for (const Losses& one : known)
    if (fs::is_regular_file(folder_ / one.file, none)) {
      found = &one;
      break;
    }
  if (found != nullptr) {
    const fs::path path = folder_ / found->file;
    const auto time = fs::last_write_time(path, none);
    if (path != model_ || time != model_time_) {
      model_ = path;
      model_time_ = time;
      nlohmann::json loss{{"file", found->file}, {"what", found->what}};
      try {
        const std::vector<double> values = read_losses(path, *found);
        loss["updates"] = values.size();
        loss["loss"] = thinned(values, most_points);
      } catch (const Error& error) {
        loss["trouble"] = apps::valid_utf8(error.what());
      }
      loss_ = apps::json_text(loss);
      loss_ = loss_.substr(1, loss_.size() - 2);
    }
  }
  std::vector<std::pair<fs::file_time_type, std::string>> pictures;
  for (fs::directory_iterator entry(folder_, none), end; !none && entry != end; entry.increment(none)) {
    std::error_code gone;
    if (entry->path().extension() != ".png" || !entry->is_regular_file(gone) || entry->is_symlink(gone)) continue;
    const auto time = entry->last_write_time(gone);
    if (!gone) pictures.emplace_back(time, entry->path().filename().string());
  }
  std::sort(pictures.begin(), pictures.end(), std::greater<>());
  if (pictures.size() > most_pictures) pictures.resize(most_pictures);
  names_.clear();
  nlohmann::json list = nlohmann::json::array();
  for (const auto& [time, name] : pictures) {
    names_.push_back(name);
    list.push_back({{"name", apps::valid_utf8(name)}, {"changed", time.time_since_epoch().count()}});
  }
  json_ = fmt::format(R"({{"folder":{},{},"pictures":{}}})", apps::json_text(apps::valid_utf8(folder_.string())), loss_, apps::json_text(list));
  return json_;
}

std::string TrainingFolder::picture(const std::string& name) const {
  if (std::find(names_.begin(), names_.end(), name) == names_.end()) return {};
  std::error_code none;
  if (fs::file_size(folder_ / name, none) > largest_picture || none) return {};
  std::ifstream file(folder_ / name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace heatbath::monitor

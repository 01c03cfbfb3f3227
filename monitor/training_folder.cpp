#include "monitor/training_folder.hpp"

#include <algorithm>
#include <fstream>
#include <numeric>
#include <system_error>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "files/boltzmann_file.hpp"
#include "files/equilibrium_file.hpp"
#include "files/hdf5_file.hpp"
#include "files/provenance.hpp"
#include "files/utf8.hpp"
#include "heatbath/error.hpp"

namespace heatbath::monitor {
namespace {

namespace fs = std::filesystem;

/// How a training is doing: a value for each update, or each judgement of it.
struct Losses {
  std::vector<double> values;
  std::uint64_t updates = 0;
};

/// A data set with a value for each update, less another where there is one.
Losses of_hdf5(const fs::path& path, const char* dataset, const char* less) {
  const apps::Hdf5Reader file(path);
  const apps::Shape shape = file.shape(dataset);
  if (shape.size() != 1) return {};
  std::vector<double> values = file.doubles(dataset, shape);
  if (less != nullptr && file.shape(less) == shape) {
    const std::vector<double> floor = file.doubles(less, shape);
    std::transform(values.begin(), values.end(), floor.begin(), values.begin(), std::minus<>());
  }
  const std::uint64_t updates = values.size();
  return {std::move(values), updates};
}

/// Where trainers keep how they are doing, and what it is for a person.
struct Source {
  const char *file, *what;
  Losses (*read)(const fs::path& path);
};
constexpr Source known[]{
    {"model.h5", "action above its floor, each update", [](const fs::path& path) { return of_hdf5(path, "training_action_per_step", "training_action_floor"); }},
    {"score_network.h5", "loss of each segment of time", [](const fs::path& path) { return of_hdf5(path, "losses", nullptr); }},
    {"machine.json", "divergence of the data from the machine, all states counted",
     [](const fs::path& path) {
       const apps::SavedBoltzmann saved = apps::read_boltzmann(path);
       Losses losses;
       for (const auto& [updates, divergence] : saved.curve) losses.values.push_back(divergence);
       losses.updates = saved.training.updates;
       return losses;
     }},
    {"net.json", "cost, each update",
     [](const fs::path& path) {
       const apps::SavedEquilibrium saved = apps::read_equilibrium(path);
       return Losses{saved.training.costs, saved.training.updates};
     }},
};

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
  const Source* found = nullptr;
  for (const Source& one : known)
    if (fs::is_regular_file(folder_ / one.file, none)) {
      found = &one;
      break;
    }
  news_.clear();
  if (found != nullptr) {
    const fs::path path = folder_ / found->file;
    const auto time = fs::last_write_time(path, none);
    if (path != model_ || time != model_time_) {
      model_ = path;
      model_time_ = time;
      nlohmann::json loss{{"file", found->file}, {"what", found->what}};
      try {
        const Losses losses = found->read(path);
        loss["updates"] = losses.updates;
        loss["loss"] = thinned(losses.values, most_points);
      } catch (const Error& error) {
        loss["trouble"] = apps::valid_utf8(error.what());
      }
      news_.push_back(loss.contains("trouble") ? loss["trouble"].get<std::string>() : fmt::format("{} saved, {} updates", found->file, loss["updates"].get<std::uint64_t>()));
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
  for (const auto& [time, name] : pictures)
    if (!picture_time_ || time > *picture_time_) news_.push_back("picture " + name);
  if (!pictures.empty()) picture_time_ = pictures.front().first;
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

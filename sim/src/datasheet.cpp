#include "heatbath/datasheet.hpp"

#include <stdexcept>

#include "heatbath/error.hpp"
#include "hw_model/device/profile.hpp"

namespace heatbath {

std::vector<DatasheetEntry> datasheet(std::string_view profile) {
  std::vector<DatasheetEntry> entries;
  try {
    for (model::DatasheetRow& row : model::datasheet(model::load_profile(profile)))
      entries.push_back({std::move(row.table), std::move(row.key), std::move(row.value),
                         std::string(model::name(row.evidence.grade)), std::move(row.evidence.source)});
  } catch (const std::invalid_argument& wrong) {
    throw Error(HB_BAD_ARG, std::string("profile: ") + wrong.what());
  }
  return entries;
}

std::vector<std::pair<std::string, std::string>> built_in_profiles() {
  std::vector<std::pair<std::string, std::string>> all;
  for (const std::string& name : model::profile_names()) all.emplace_back(name, model::load_profile(name).description);
  return all;
}

}  // namespace heatbath

#include "report/picture.hpp"

#include <nlohmann/json.hpp>

namespace heatbath::apps {

nlohmann::json pictures_json(std::span<const Picture> pictures) {
  nlohmann::json is = nlohmann::json::object();
  for (const Picture& picture : pictures) {
    if (picture.png) is[picture.file] = true;
    else is[picture.file] = picture.missing;
  }
  return is;
}

}  // namespace heatbath::apps

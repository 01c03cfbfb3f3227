#include "apps/cli/add_pictures.hpp"

#include "apps/cli/console.hpp"

namespace heatbath::apps {

void add_pictures(OutputFolder& out, std::span<const Picture> pictures, bool told) {
  for (const Picture& picture : pictures) {
    if (picture.png) out.add(picture.file, *picture.png);
    else if (told) remark("no {}: {}\n", picture.file, picture.missing);
  }
}

}  // namespace heatbath::apps

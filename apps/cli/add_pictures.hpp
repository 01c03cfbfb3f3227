#pragma once
// The pictures of a report on their way into its folder.

#include <span>

#include "files/output_folder.hpp"
#include "report/picture.hpp"

namespace heatbath::apps {

/// Adds those that there are; says of the others why they are missing, where `told`.
void add_pictures(OutputFolder& out, std::span<const Picture> pictures, bool told);

}  // namespace heatbath::apps

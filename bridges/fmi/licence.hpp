#pragma once
// The licence that a co-simulation unit carries.

#include <string>

namespace heatbath::apps::fmi {

/// Text of documentation/licenses/license.txt: the project's licence, and what else the binary contains.
std::string licence_text();

}  // namespace heatbath::apps::fmi

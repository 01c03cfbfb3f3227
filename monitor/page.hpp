#pragma once
// The files of page/, as part of the program.

#include <string_view>

namespace heatbath::monitor::page {

std::string_view html();
std::string_view style();
std::string_view script();
std::string_view icon();

}  // namespace heatbath::monitor::page

#include "files/output_folder.hpp"

#include <algorithm>
#include <fstream>
#include <system_error>

#include <nlohmann/json.hpp>

#include "files/utf8.hpp"

namespace heatbath::apps {

namespace fs = std::filesystem;

namespace {

constexpr const char* kReport = "report.json";

/// What the report in a folder lists; of one from before there were lists, its pictures and its page.
std::vector<std::string> listed_in(const fs::path& folder) {
  std::ifstream in(folder / kReport);
  const nlohmann::json report = nlohmann::json::parse(in, nullptr, false);
  std::vector<std::string> names;
  const auto add = [&](const std::string& name) {
    if (!name.empty() && name.front() != '.' && name.find('/') == std::string::npos) names.push_back(name);
  };
  if (!report.is_object() || !report.contains("provenance")) return names;
  if (const auto files = report.find("files"); files != report.end() && files->is_array()) {
    for (const nlohmann::json& name : *files)
      if (name.is_string()) add(name.get<std::string>());
  } else if (const auto pictures = report.find("pictures"); pictures != report.end() && pictures->is_object()) {
    for (const auto& [name, there] : pictures->items())
      if (there == true) add(name);
    add("report.html");
    add(kReport);
  }
  return names;
}

void remove_regular(const fs::path& path) {
  std::error_code ignored;
  if (fs::is_regular_file(fs::symlink_status(path, ignored))) fs::remove(path, ignored);
}

}  // namespace

OutputFolder::OutputFolder(fs::path folder, std::span<const std::string_view> names) : folder_(std::move(folder)) {
  prepare_folder(folder_);
  for (const std::string_view name : names) prepare_file(folder_ / name);
}

void OutputFolder::invalidate() {
  for (const std::string& name : listed_in(folder_))
    if (name != kReport) remove_regular(folder_ / name);
  remove_regular(folder_ / kReport);
}

void OutputFolder::add(const std::string& name, std::span<const std::byte> bytes) {
  auto file = std::make_unique<AtomicFile>(folder_ / name);
  file->write(bytes);
  files_.push_back(std::move(file));
  names_.push_back(name);
}

void OutputFolder::add(const std::string& name, std::string_view text) { add(name, std::as_bytes(std::span(text))); }

std::string OutputFolder::commit(nlohmann::json report) {
  std::vector<std::string> all = names_;
  all.push_back(kReport);
  report["files"] = all;
  const std::string text = json_text(report, 2) + "\n";
  add(kReport, text);
  const std::vector<std::string> before = listed_in(folder_);
  // The report is removed first: if this is interrupted, the remaining files do not look like a result.
  remove_regular(folder_ / kReport);
  for (const std::string& name : before)
    if (std::ranges::find(all, name) == all.end()) remove_regular(folder_ / name);
  for (const auto& file : files_) file->commit();
  return text;
}

}  // namespace heatbath::apps

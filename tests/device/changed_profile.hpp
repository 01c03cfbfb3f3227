#pragma once
// A built-in chip profile with some keys changed, in a file of this process.

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace heatbath::model::bench {

/// The keys of the profile get the values given, or those of `ideal` that it leaves out; the file goes with the object.
class ChangedProfile {
 public:
  ChangedProfile(const std::string& base, const std::vector<std::pair<std::string, std::string>>& changes)
      : path_(std::filesystem::temp_directory_path() /
              ("heatbath_" + std::to_string(getpid()) + "_" + std::to_string(count()++) + ".toml")) {
    std::ofstream out(path_);
    std::vector<bool> met(changes.size(), false);
    std::set<std::string> given;  // tables of the base, with what they lack
    const auto lacking = [&](const std::string& table) {
      given.insert(table);
      for (std::size_t i = 0; i < changes.size(); ++i)
        if (keys("ideal").contains({table, changes[i].first}) && !keys(base).contains({table, changes[i].first})) {
          out << changes[i].first << " = " << changes[i].second << '\n';
          met[i] = true;
        }
    };
    std::ifstream in(file(base));
    for (std::string line; std::getline(in, line);) {
      for (std::size_t i = 0; i < changes.size(); ++i)
        if (line.starts_with(changes[i].first + " = ")) {
          line = changes[i].first + " = " + changes[i].second;
          met[i] = true;
        }
      out << line << '\n';
      if (line.starts_with('[')) lacking(line.substr(1, line.find(']') - 1));
    }
    for (const auto& [table, key] : keys("ideal"))
      if (!given.contains(table)) {
        out << '[' << table << "]\n";
        lacking(table);
      }
    for (std::size_t i = 0; i < changes.size(); ++i) EXPECT_TRUE(met[i]) << base << " has no key " << changes[i].first;
  }
  ~ChangedProfile() { std::filesystem::remove(path_); }
  ChangedProfile(const ChangedProfile&) = delete;
  ChangedProfile& operator=(const ChangedProfile&) = delete;

  std::string path() const { return path_.string(); }

 private:
  static std::string file(const std::string& base) { return HEATBATH_SOURCE_DIR "/hw_model/profiles/" + base + ".toml"; }
  /// The tables and keys of a built-in profile.
  static std::set<std::pair<std::string, std::string>> keys(const std::string& base) {
    std::set<std::pair<std::string, std::string>> all;
    std::ifstream in(file(base));
    std::string table;
    for (std::string line; std::getline(in, line);) {
      if (line.starts_with('[')) table = line.substr(1, line.find(']') - 1);
      if (const auto end = line.find(" = "); end != std::string::npos && !line.starts_with('#'))
        all.emplace(table, line.substr(0, end));
    }
    return all;
  }
  static int& count() {
    static int files = 0;
    return files;
  }
  std::filesystem::path path_;
};

}  // namespace heatbath::model::bench

#pragma once
// A built-in chip profile with some keys changed, in a file of this process.

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace heatbath::model::bench {

/// Lines "key = value" of the profile get the values given; the file goes with the object.
class ChangedProfile {
 public:
  ChangedProfile(const std::string& base, const std::vector<std::pair<std::string, std::string>>& changes)
      : path_(std::filesystem::temp_directory_path() /
              ("heatbath_" + std::to_string(getpid()) + "_" + std::to_string(count()++) + ".toml")) {
    std::ifstream in(HEATBATH_SOURCE_DIR "/hw_model/profiles/" + base + ".toml");
    std::ofstream out(path_);
    std::vector<bool> met(changes.size(), false);
    for (std::string line; std::getline(in, line);) {
      for (std::size_t i = 0; i < changes.size(); ++i)
        if (line.starts_with(changes[i].first + " = ")) {
          line = changes[i].first + " = " + changes[i].second;
          met[i] = true;
        }
      out << line << '\n';
    }
    for (std::size_t i = 0; i < changes.size(); ++i) EXPECT_TRUE(met[i]) << base << " has no key " << changes[i].first;
  }
  ~ChangedProfile() { std::filesystem::remove(path_); }
  ChangedProfile(const ChangedProfile&) = delete;
  ChangedProfile& operator=(const ChangedProfile&) = delete;

  std::string path() const { return path_.string(); }

 private:
  static int& count() {
    static int files = 0;
    return files;
  }
  std::filesystem::path path_;
};

}  // namespace heatbath::model::bench

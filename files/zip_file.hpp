#pragma once
// Archives of named pieces of memory, of any size (zip64 where it is needed).

#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace heatbath::apps {

struct ZipMember {
  std::string name;
  std::vector<std::span<const std::byte>> parts;  ///< one behind the other
};

enum class ZipMethod { store, deflate };

/// Writes the archive whole (atomic_file.hpp). Members are in order, dated 1980-01-01 and for all to read, so that the
/// same members give the same bytes. Nothing is copied. Throws Error(IO) that names the path.
void write_zip(const std::filesystem::path& path, std::span<const ZipMember> members, ZipMethod method);

}  // namespace heatbath::apps

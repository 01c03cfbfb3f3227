#include "files/zip_file.hpp"

#include <memory>

#include <fmt/format.h>
#include <zip.h>

#include "files/atomic_file.hpp"
#include "heatbath/error.hpp"

namespace heatbath::apps {

void write_zip(const std::filesystem::path& path, std::span<const ZipMember> members, ZipMethod method) {
  AtomicFile file(path);
  const auto fail = [&](const char* why) {
    throw Error(HB_IO, fmt::format("{}: cannot write: {}", path.string(), why));
  };
  int error = 0;
  std::unique_ptr<zip_t, void (*)(zip_t*)> zip(zip_open(file.temporary().c_str(), ZIP_CREATE | ZIP_TRUNCATE, &error),
                                               zip_discard);
  if (zip == nullptr) fail("the archive cannot be opened");
  zip_t* const archive = zip.get();
  for (const ZipMember& member : members) {
    std::vector<zip_buffer_fragment_t> parts;
    for (const std::span<const std::byte> part : member.parts) {
      // The library takes a pointer to what it might change and changes nothing.
      auto* const data = reinterpret_cast<zip_uint8_t*>(const_cast<std::byte*>(part.data()));
      if (!part.empty()) parts.push_back({data, part.size()});
    }
    zip_source_t* const source = zip_source_buffer_fragment(archive, parts.data(), parts.size(), 0);
    if (source == nullptr) fail(zip_strerror(archive));
    const zip_int64_t added = zip_file_add(archive, member.name.c_str(), source, ZIP_FL_ENC_UTF_8);
    if (added < 0) {
      zip_source_free(source);
      fail(zip_strerror(archive));
    }
    const auto index = static_cast<zip_uint64_t>(added);
    constexpr zip_uint32_t quick = 1;
    zip_set_file_compression(archive, index, method == ZipMethod::store ? ZIP_CM_STORE : ZIP_CM_DEFLATE, quick);
    constexpr std::uint16_t midnight = 0, first_of_january_1980 = 1 << 5 | 1;
    zip_file_set_dostime(archive, index, midnight, first_of_january_1980, 0);
    constexpr zip_uint32_t regular_file_for_all_to_read = 0100644;
    zip_file_set_external_attributes(archive, index, 0, ZIP_OPSYS_UNIX, regular_file_for_all_to_read << 16);
  }
  if (zip_close(archive) != 0) fail(zip_strerror(archive));
  zip.release();  // closed: there is nothing to discard
  file.commit();
}

}  // namespace heatbath::apps

#pragma once
// Results of runs of parts of one program's shots, put together.

#include <filesystem>
#include <span>

namespace heatbath::apps {

/// Writes to `out` (.npz or .h5) the arrays that one run of all the shots would have written, from the files that runs of
/// parts of them (heatbath run --shots A:B --out) left, in any order. An .h5 is made of .h5 parts alone: .npz has no units. Provenance is that of the part with the first shots, with the
/// shots of all. Throws Error(BAD_ARG) in one line: parts that overlap or leave shots out; parts of different programs,
/// seeds, devices or versions; files without shots, as [statistics] alone leaves them. Error(IO) as files do.
void merge_runs(const std::filesystem::path& out, std::span<const std::filesystem::path> parts);

}  // namespace heatbath::apps

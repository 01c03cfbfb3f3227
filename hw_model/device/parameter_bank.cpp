#include "hw_model/device/parameter_bank.hpp"

#include <algorithm>
#include <bit>
#include <limits>
#include <utility>

#include "heatbath/numerics/archive.hpp"
#include "hw_model/device/profile_registers.hpp"
#include "hw_model/device/start_check.hpp"
#include "hw_model/physics/graph.hpp"
#include "hw_model/physics/integer_spins.hpp"

namespace heatbath::model {
ParameterBank::ParameterBank(const Profile& profile, Imperfections& imperfections)
    : profile_(profile), imperfections_(imperfections) {}

void ParameterBank::reset(std::uint32_t cells, std::shared_ptr<const physics::Graph> graph) {
  cells_ = cells;
  graph_ = std::move(graph);
  clips_ = {};
  physics::Parameters& p = live_.applied;
  p.j2 = filled(HB_SECTION_J2, cells, 0.0f);
  p.j4 = filled(HB_SECTION_J4, cells, 0.0f);
  p.bias = filled(HB_SECTION_BIAS, values_of_cells(HB_SECTION_BIAS, cells, profile_), 0.0f);
  p.bias_per_lane = false;
  if (imperfections_.offsets_couplings())
    p.couplings = couplings(physics::ValueList(coupling_values(cells_, profile_), 0.0f));
  else
    p.couplings = graph_ ? std::make_shared<const physics::Couplings>(graph_, physics::ValueList(graph_->couplers().size(), 0.0f))
                         : std::make_shared<const physics::Couplings>(cells);
  p.gain = 1.0f;
  p.kT = profile_.kT_reset;
  p.kT_cell.clear();
  if (imperfections_.spreads_temperature()) p.kT_cell = filled(HB_SECTION_KT, cells, p.kT);
  p.mass.clear();
  p.damping.clear();
  p.frequency.clear();
  live_.image = {};
  shadow_ = live_;
}

Converter ParameterBank::converter(hb_section_t section) const {
  SectionRange reach = section_range(profile_, section);
  if (section == HB_SECTION_KT)  // nothing is clipped: load refuses what is out of range
    reach = {profile_.parameter_storage == Storage::float32 ? std::numeric_limits<float>::infinity() : reach.range, false};
  return {profile_.parameter_storage, profile_.parameter_bits, reach.range, reach.non_negative};
}

/// The first value that is no value of its section, after conversion.
std::optional<std::uint64_t> ParameterBank::unfit(hb_section_t section, std::span<const float> values) const {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (section == HB_SECTION_KT && (values[i] < profile_.kT_min || values[i] > profile_.kT_max)) return i;
    if (section == HB_SECTION_MASS && values[i] <= 0) return i;
  }
  return std::nullopt;
}

ParameterBank::Image ParameterBank::image(std::span<const float> values, hb_section_t section, std::uint64_t times) const {
  auto bytes = std::make_shared<std::vector<std::byte>>(values.size() * value_bytes(profile_.parameter_storage));
  encode(values, converter(section), *bytes);
  return {std::move(bytes), times};
}

/// What a section applies of one nominal value.
physics::ValueList ParameterBank::filled(hb_section_t section, std::size_t size, float value) {
  if (imperfections_.none()) return physics::ValueList(size, value);
  std::vector<float> values(size, value);
  imperfections_.load(section, values);
  return values;
}

std::optional<std::uint64_t> ParameterBank::load(const hb_instruction_t& load, std::span<const std::byte> memory,
                                                 std::uint32_t lanes) {
  switch (load.section) {
    case HB_SECTION_GAIN: load_gain(std::bit_cast<float>(load.imm)); return std::nullopt;
    case HB_SECTION_COUPLING: return load_couplings(load, memory);
    default: return load_cells(load, memory, lanes);
  }
}

void ParameterBank::load_gain(float gain) {
  if (profile_.integer_spins())
    clips_[HB_SECTION_GAIN] =
        convert(gain, {Storage::code16, physics::IntegerSpins::gain_bits, physics::IntegerSpins::gain_range}).clipped;
  shadow_.applied.gain = gain;
}

std::optional<std::uint64_t> ParameterBank::load_cells(const hb_instruction_t& load, std::span<const std::byte> memory,
                                                       std::uint32_t lanes) {
  const auto section = static_cast<hb_section_t>(load.section);
  const std::uint32_t rows = load.lane_stride != 0 ? lanes : 1;
  const std::uint32_t row_values = values_of_cells(section, cells_, profile_);
  const bool immediate = (load.flags & HB_FLAG_IMMEDIATE) != 0;
  // One value serves all where nothing makes cells differ; `times`: how often it comes in a row.
  const std::uint32_t times = immediate && imperfections_.none() ? row_values : 1;
  std::vector<float> values(std::size_t{rows} * row_values / times);
  std::uint64_t clipped = 0;
  if (immediate) {
    float value = std::bit_cast<float>(load.imm);
    // One temperature for all cells does not pass the converters of the cells.
    if (section != HB_SECTION_KT) clipped = convert(value, converter(section)).clipped * row_values;
    std::fill(values.begin(), values.end(), value);
  } else {
    const std::uint64_t bytes = section_bytes(section, cells_, profile_);
    for (std::uint32_t lane = 0; lane < rows; ++lane) {
      const auto source = memory.subspan(load.addr + std::uint64_t{lane} * load.lane_stride, bytes);
      const auto row = std::span(values).subspan(std::size_t{lane} * row_values, row_values);
      const Conversion conversion = decode(source, converter(section), row);
      if (conversion.refused) return std::uint64_t{lane} * row_values + *conversion.refused;
      clipped += conversion.clipped;
    }
  }
  if (const auto entry = unfit(section, values)) return entry;
  clips_[section] = clipped;
  shadow_.image[section] = image(std::span(values).first(row_values / times), section, times);
  if (section == HB_SECTION_KT && profile_.integer_spins())
    for (float& value : values)
      convert(value, {Storage::code16, physics::IntegerSpins::kT_bits, physics::IntegerSpins::kT_range});
  const float first = values[0];
  const bool of_cells = section != HB_SECTION_KT || !immediate || imperfections_.spreads_temperature();
  for (std::uint32_t lane = 0; of_cells && times == 1 && lane < rows; ++lane)
    imperfections_.load(section, std::span(values).subspan(std::size_t{lane} * row_values, row_values));
  physics::ValueList applied = times == 1 ? physics::ValueList(std::move(values)) : physics::ValueList(std::size_t{rows} * row_values, first);
  physics::Parameters& p = shadow_.applied;
  switch (section) {
    case HB_SECTION_BIAS:
      p.bias_per_lane = rows > 1;
      p.bias = std::move(applied);
      break;
    case HB_SECTION_KT:
      if (immediate) p.kT = first;
      if (of_cells) p.kT_cell = std::move(applied);
      else p.kT_cell.clear();
      break;
    case HB_SECTION_MASS: p.mass = std::move(applied); break;
    case HB_SECTION_DAMPING: p.damping = std::move(applied); break;
    case HB_SECTION_FREQUENCY: p.frequency = std::move(applied); break;
    default:
      (section == HB_SECTION_J2 ? p.j2 : p.j4) = std::move(applied);
  }
  return std::nullopt;
}

std::optional<std::uint64_t> ParameterBank::load_couplings(const hb_instruction_t& load,
                                                           std::span<const std::byte> memory) {
  const bool square = !graph_ && !profile_.reciprocal;
  const std::size_t size = coupling_values(cells_, profile_);
  if (graph_ && size > 0 && (load.flags & HB_FLAG_IMMEDIATE) != 0 && imperfections_.none()) {
    float value = std::bit_cast<float>(load.imm);
    clips_[HB_SECTION_COUPLING] = convert(value, converter(HB_SECTION_COUPLING)).clipped * size;
    shadow_.image[HB_SECTION_COUPLING] = image(std::span(&value, 1), HB_SECTION_COUPLING, size);
    shadow_.applied.couplings = couplings(physics::ValueList(size, value));
    return std::nullopt;
  }
  std::vector<float> values(size);
  std::uint64_t clipped = 0;
  if (load.flags & HB_FLAG_IMMEDIATE) {
    float value = std::bit_cast<float>(load.imm);
    clipped = convert(value, converter(HB_SECTION_COUPLING)).clipped * (values.size() - (square ? cells_ : 0));
    std::fill(values.begin(), values.end(), value);
    for (std::size_t i = 0; square && i < cells_; ++i) values[i * (cells_ + 1)] = 0;
  } else {
    const auto source = memory.subspan(load.addr, section_bytes(HB_SECTION_COUPLING, cells_, profile_));
    const Conversion conversion = decode(source, converter(HB_SECTION_COUPLING), values);
    if (conversion.refused) return conversion.refused;
    for (std::size_t i = 0; square && i < cells_; ++i)
      if (values[i * (cells_ + 1)] != 0) return i * (cells_ + 1);
    clipped = conversion.clipped;
  }
  clips_[HB_SECTION_COUPLING] = clipped;
  shadow_.image[HB_SECTION_COUPLING] = image(values, HB_SECTION_COUPLING);
  shadow_.applied.couplings = couplings(std::move(values));
  return std::nullopt;
}

/// What the couplers make of nominal values.
std::shared_ptr<const physics::Couplings> ParameterBank::couplings(physics::ValueList nominal) {
  if (graph_ && imperfections_.none()) return std::make_shared<const physics::Couplings>(graph_, std::move(nominal));
  std::vector<float> values(std::as_const(nominal).begin(), std::as_const(nominal).end());
  imperfections_.load_couplings({values, cells_, graph_.get(), profile_.reciprocal});
  if (graph_) return std::make_shared<const physics::Couplings>(graph_, std::move(values));
  if (!profile_.reciprocal) return std::make_shared<const physics::Couplings>(cells_, std::move(values));
  return symmetric_matrix(values);
}

std::shared_ptr<const physics::Couplings> ParameterBank::symmetric_matrix(std::span<const float> triangle) const {
  if (std::all_of(triangle.begin(), triangle.end(), [](float value) { return value == 0.0f; }))
    return std::make_shared<const physics::Couplings>(cells_);
  const std::size_t n = cells_;
  std::vector<float> matrix(n * n, 0.0f);
  const auto row_start = [&](std::size_t i) { return i * (2 * n - i - 1) / 2; };  // entry of the pair (i, i + 1)
  constexpr std::size_t tile = 32;  // both triangles are written by tiles, so that neither write runs down a column
  for (std::size_t i0 = 0; i0 < n; i0 += tile) {
    for (std::size_t j0 = i0; j0 < n; j0 += tile) {
      for (std::size_t i = i0; i < std::min(n, i0 + tile); ++i) {
        for (std::size_t j = std::max(j0, i + 1); j < std::min(n, j0 + tile); ++j) {
          const float value = triangle[row_start(i) + j - i - 1];
          matrix[i * n + j] = value;
          matrix[j * n + i] = value;
        }
      }
    }
  }
  if (profile_.integer_sums && !profile_.integer_spins()) {
    const physics::CodeGrid grid{profile_.parameter_bits, profile_.range_coupling};
    return std::make_shared<const physics::Couplings>(cells_, std::move(matrix), grid);
  }
  return std::make_shared<const physics::Couplings>(cells_, std::move(matrix));
}

std::uint64_t ParameterBank::take_clips() {
  std::uint64_t sum = 0;
  for (std::uint64_t& clips : clips_) sum += std::exchange(clips, 0);
  return sum;
}

void ParameterBank::commit() { live_ = shadow_; }

void ParameterBank::flip_coupling(std::uint64_t ordinal) {
  const physics::Couplings& was = *live_.applied.couplings;
  const auto flipped = [&](float value) { return value + (value < 0 ? profile_.range_coupling : -profile_.range_coupling); };
  if (graph_) {
    const auto couplers = graph_->couplers();
    if (ordinal >= couplers.size()) return;
    std::vector<float> values;
    for (const physics::Coupler& at : couplers) {
      const float forward = was.at(at.i, at.j);
      values.push_back(values.size() == ordinal * (profile_.reciprocal ? 1 : 2) ? flipped(forward) : forward);
      if (!profile_.reciprocal) values.push_back(was.at(at.j, at.i));
    }
    live_.applied.couplings = std::make_shared<const physics::Couplings>(graph_, std::move(values));
    return;
  }
  std::vector<float> matrix(std::size_t{cells_} * cells_);
  std::uint64_t pair = 0;
  for (std::uint32_t i = 0; i < cells_; ++i)
    for (std::uint32_t k = 0; k < cells_; ++k) {
      float& value = matrix[std::size_t{i} * cells_ + k];
      value = was.at(i, k);
      if (k <= i || pair++ != ordinal) continue;
      value = flipped(value);
    }
  for (std::uint32_t i = 0; profile_.reciprocal && i < cells_; ++i)
    for (std::uint32_t k = 0; k < i; ++k) matrix[std::size_t{i} * cells_ + k] = matrix[std::size_t{k} * cells_ + i];
  if (profile_.integer_sums && !profile_.integer_spins()) {
    const physics::CodeGrid grid{profile_.parameter_bits, profile_.range_coupling};
    live_.applied.couplings = std::make_shared<const physics::Couplings>(cells_, std::move(matrix), grid);
    return;
  }
  live_.applied.couplings = std::make_shared<const physics::Couplings>(cells_, std::move(matrix));
}

void ParameterBank::readback(hb_section_t section, std::span<std::byte> out) const {
  Image source = live_.image[section];
  if (!source.bytes && (section == HB_SECTION_MASS || section == HB_SECTION_DAMPING || section == HB_SECTION_KT)) {
    const float value = section == HB_SECTION_KT ? live_.applied.kT : 1.0f;
    source = image(std::span(&value, 1), section, cells_);
  }
  if (!source.bytes) {
    std::fill(out.begin(), out.end(), std::byte{0});
    return;
  }
  for (std::size_t done = 0; done < out.size();) {  // of one cell there are no couplings: no bytes
    const std::size_t count = std::min(source.bytes->size(), out.size() - done);
    std::copy_n(source.bytes->begin(), count, out.begin() + static_cast<std::ptrdiff_t>(done));
    done += count;
  }
}

void ParameterBank::exchange(numerics::Archive& archive, physics::ParameterExchange& parameters, std::uint32_t cells,
                             std::shared_ptr<const physics::Graph> graph) {
  archive.section("bank");
  cells_ = cells;
  graph_ = std::move(graph);
  archive(clips_);
  for (Set* set : {&live_, &shadow_}) {
    parameters(set->applied);
    archive.check(set->applied.couplings != nullptr, "couplings");
    for (std::size_t section = 0; section < sections; ++section) {
      Image& image = set->image[section];
      bool there = image.bytes != nullptr;
      archive(there);
      if (!there) {
        image = {};
        continue;
      }
      const std::uint64_t size = section_bytes(static_cast<hb_section_t>(section), cells_, profile_);
      archive.check(size <= archive.left(), "parameter image");
      std::vector<std::byte> bytes;
      if (!archive.reads())
        for (std::uint64_t n = 0; n < image.times; ++n) bytes.insert(bytes.end(), image.bytes->begin(), image.bytes->end());
      bytes.resize(size);
      archive.raw(bytes);
      if (archive.reads()) image = {std::make_shared<const std::vector<std::byte>>(std::move(bytes)), 1};
    }
  }
}

}  // namespace heatbath::model

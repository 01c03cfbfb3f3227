#include "hw_model/physics/overdamped_array.hpp"

#include <algorithm>

#include "hw_model/physics/general_array.hpp"
#include "heatbath/numerics/archive.hpp"
#include "hw_model/physics/lane_exchange.hpp"
#include "hw_model/physics/quartic_array.hpp"
#include "hw_model/physics/small_increments.hpp"

namespace heatbath::physics {

OverdampedArray::OverdampedArray(const ArraySpec& spec, numerics::ThreadTeam* team)
    : Array(spec),
      team_(team),
      fast_(std::make_unique<QuarticArray>(this->spec(), team)),
      active_(fast_.get()),
      clamped_(spec.cells, 0) {}

OverdampedArray::~OverdampedArray() = default;

void OverdampedArray::set_clamped(std::span<const std::uint8_t> clamped, const Parameters& live) {
  clamped_.assign(clamped.begin(), clamped.end());
  active_->set_clamped(clamped, live);
}

std::uint64_t OverdampedArray::advance(const Run& run, const Parameters& live) {
  const bool ramped = run.target != nullptr && run.ramp_steps > 0;
  const bool lost = loses_increments_beside(spec(), live, run.dt, clamped_) &&
                    (!ramped || loses_increments_beside(spec(), *run.target, run.dt, clamped_));
  if (lost && !exact_) exact_ = std::make_unique<GeneralArray>(spec(), team_);
  if (run.steps > 0 && lost != split()) switch_to(lost ? *exact_ : *fast_, live);
  return active_->advance(run, live);
}

void OverdampedArray::switch_to(Array& other, const Parameters& live) {
  other.enable_meters(false);
  other.set_clamped(clamped_, live);
  std::vector<float> state(cells());
  for (std::uint32_t lane = 0; lane < lanes(); ++lane) {
    active_->read(lane, state);
    other.write(lane, 0, state, live);
  }
  if (metered_) {
    std::vector<LaneMeters> sums;
    for (std::uint32_t lane = 0; lane < lanes(); ++lane) sums.push_back(meters(lane, live));
    metered_before_ = std::move(sums);
    other.enable_meters(true);
    for (std::size_t m = 0; m < cell_meters; ++m) {
      const auto meter = static_cast<CellMeter>(m);
      if (!cell_meters_.has(meter)) continue;
      std::vector<double> values(std::size_t{lanes()} * cells());
      for (std::uint32_t lane = 0; lane < lanes(); ++lane)
        cell_meter(meter, lane, std::span(values).subspan(std::size_t{lane} * cells(), cells()));
      cells_before_[m] = std::move(values);
      other.enable_cell_meter(meter);
    }
  }
  active_ = &other;
}

void OverdampedArray::enable_meters(bool on) {
  metered_ = on;
  cell_meters_ = {};
  active_->enable_meters(on);
  clear_meters();
}

void OverdampedArray::enable_cell_meter(CellMeter meter) {
  cell_meters_.add(meter);
  active_->enable_cell_meter(meter);
  clear_meters();
}

void OverdampedArray::clear_meters() {
  metered_before_.clear();
  for (auto& values : cells_before_) values.clear();
  active_->clear_meters();
}

LaneMeters OverdampedArray::meters(std::uint32_t lane, const Parameters& live) const {
  LaneMeters sum = active_->meters(lane, live);
  if (!metered_before_.empty()) {
    sum.work += metered_before_[lane].work;
    sum.heat_path += metered_before_[lane].heat_path;
  }
  return sum;
}

void OverdampedArray::cell_meter(CellMeter meter, std::uint32_t lane, std::span<double> out) const {
  active_->cell_meter(meter, lane, out);
  const std::vector<double>& before = cells_before_[static_cast<std::size_t>(meter)];
  if (before.empty()) return;
  for (std::uint32_t cell = 0; cell < cells(); ++cell) out[cell] += before[std::size_t{lane} * cells() + cell];
}

std::uint64_t OverdampedArray::rail_count() const { return fast_->rail_count() + (exact_ ? exact_->rail_count() : 0); }

std::uint32_t OverdampedArray::rail_cell() const {
  return exact_ ? std::min(fast_->rail_cell(), exact_->rail_cell()) : fast_->rail_cell();
}

void OverdampedArray::clear_rails() {
  fast_->clear_rails();
  if (exact_) exact_->clear_rails();
}

void OverdampedArray::exchange(numerics::Archive& archive) {
  archive.section("overdamp");
  bool with_exact = exact_ != nullptr, splits = split();
  archive(with_exact, splits, metered_, cell_meters_);
  archive.check(with_exact || !splits, "split states");
  if (archive.reads() && !with_exact) exact_.reset();
  if (with_exact && !exact_) exact_ = std::make_unique<GeneralArray>(spec(), team_);
  active_ = splits ? exact_.get() : static_cast<Array*>(fast_.get());
  Exchange* const exchange = spec().exchange.get();
  for (std::uint8_t& cell : clamped_) cell = cell ? 0 : 1;
  exchange_free(archive, std::span(clamped_), exchange);
  for (std::uint8_t& cell : clamped_) cell = cell ? 0 : 1;
  fast_->exchange(archive);
  if (exact_) exact_->exchange(archive);

  std::uint64_t before = metered_before_.size();
  archive(before);
  archive.check(before == 0 || before == lanes(), "meters before the states were split");
  metered_before_.resize(before);
  for (LaneMeters& of : metered_before_) archive(of.work, of.heat_path);
  for (auto& values : cells_before_) {
    const std::uint64_t whole = std::uint64_t{lanes()} * (exchange ? exchange->cut().cells : cells());
    std::uint64_t size = values.empty() ? 0 : whole;
    archive(size);
    archive.check(size == 0 || size == whole, "meters before the states were split");
    values.resize(size == 0 ? 0 : std::size_t{lanes()} * cells());
    for (std::size_t first = 0; first < values.size(); first += cells())
      exchange_cells(archive, std::span(values).subspan(first, cells()), exchange);
  }
}

}  // namespace heatbath::physics

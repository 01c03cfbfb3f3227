#include "heatbath/device.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "capability_fields.hpp"
#include "device_impl.hpp"
#include "heatbath/chip_correction.hpp"
#include "heatbath/dif_capability.h"
#include "heatbath/dif_identity.h"
#include "heatbath/dif_job.h"
#include "heatbath/dif_time.h"
#include "heatbath/numerics/rounding.hpp"
#include "heatbath/numerics/text.hpp"
#include "heatbath/regs.h"
#include "heatbath/topology.h"
#include "job_impl.hpp"
#include "rack.hpp"
#include "rack_job.hpp"
#include "link/scheme.hpp"

namespace heatbath {
namespace {

std::string hexadecimal(std::uint32_t value) {
  char buffer[16];
  std::snprintf(buffer, sizeof buffer, "0x%08X", value);
  return buffer;
}


}  // namespace

Ticks Device::Impl::now() {
  if (rack != nullptr) return rack->now();
  std::uint64_t ticks = 0;
  run("reading device time", [&](const hb_mmio_t* mmio) { return hb_dif_time_now(mmio, &ticks); });
  return {ticks};
}

void Device::Impl::check(hb_status_t status, const std::string& what) {
  if (status != HB_OK) throw Error(status, what + ": " + hb_status_meaning(status));
}

namespace {

static_assert(sizeof(Coupler) == 8, "the topology window holds two uint32 for a coupler");

/// The list of couplers, and the couplings that follow it; Error(DEVICE) where it is not what the register map says.
void read_couplers(Link& link, const hb_capabilities_t& raw, Capabilities& caps) {
  const std::uint32_t count = raw.couplers, cells = raw.cells;
  if (count > std::uint64_t{cells} * (cells - 1) / 2)
    throw Error(HB_DEVICE, "CAPS_COUPLERS is " + std::to_string(count) + "; " + std::to_string(cells) +
                               " cells have at most " + std::to_string(std::uint64_t{cells} * (cells - 1) / 2) + " pairs");
  const std::uint64_t address = hb_topology_address(hb_topology_bytes(count, raw.graph_couplings, caps.couplings_full));
  std::vector<Coupler> couplers(count);
  if (count > 0) link.read_block(address, std::as_writable_bytes(std::span(couplers)));
  for (std::size_t k = 0; k < couplers.size(); ++k) {
    const Coupler& at = couplers[k];
    const bool follows = k == 0 || couplers[k - 1].i < at.i || (couplers[k - 1].i == at.i && couplers[k - 1].j < at.j);
    if (at.i >= at.j || at.j >= cells || !follows)
      throw Error(HB_DEVICE, "topology window: coupler " + std::to_string(k) + " is (" + std::to_string(at.i) + "," +
                                 std::to_string(at.j) + "); pairs i < j of " + std::to_string(cells) +
                                 " cells must be sorted and differ");
  }
  caps.coupler_list = std::make_shared<const std::vector<Coupler>>(std::move(couplers));
  if (!raw.graph_couplings) return;
  std::vector<float> values(std::size_t{count} * (caps.couplings_full ? 2 : 1));
  if (count > 0) link.read_block(address + sizeof(Coupler) * count, std::as_writable_bytes(std::span(values)));
  for (std::size_t k = 0; k < values.size(); ++k)
    if (!std::isfinite(values[k]))
      throw Error(HB_DEVICE, "topology window: the coupling of value " + std::to_string(k) + " is not finite");
  caps.graph_couplings = std::make_shared<const std::vector<float>>(std::move(values));
}

Capabilities capabilities_of(Link& link) {
  hb_capabilities_t raw{};
  const hb_status_t status = link.call([&](const hb_mmio_t* mmio) { return hb_dif_capability_get(mmio, &raw); });
  if (status != HB_OK)
    throw Error(status, std::string("capability registers: ") + hb_status_meaning(status) +
                            "; sizes must not be zero, formats known, components at most 2, ranges finite");
  Capabilities caps{capability_fields(raw), nullptr, nullptr, nullptr};
  if (caps.topology == Topology::sparse) read_couplers(link, raw, caps);
  return caps;
}

Identity identity_of(Link& link) {
  const auto read = [&](std::uint32_t offset) {
    return link.call([&](const hb_mmio_t* mmio) { return mmio->read32(mmio->context, offset); });
  };
  if (link.call([](const hb_mmio_t* mmio) { return hb_dif_identity_check(mmio); }) != HB_OK) {
    const std::uint32_t id = read(HB_ID_OFFSET);
    if (id != HB_ID_RESET)
      throw Error(HB_DEVICE, "no Heatbath device answers: register ID reads " + hexadecimal(id) + ", expected " +
                                 hexadecimal(HB_ID_RESET));
    const std::uint32_t version = read(HB_MAP_VERSION_OFFSET);
    throw Error(HB_DEVICE, "the device has register map " + std::to_string(version >> HB_MAP_VERSION_MAJOR_SHIFT) + "." +
                               std::to_string(version & HB_MAP_VERSION_MINOR_MASK) + ", this software drives map " +
                               std::to_string(HB_MAP_MAJOR) + ".x");
  }
  hb_identity_t raw{};
  link.call([&](const hb_mmio_t* mmio) { return hb_dif_identity_get(mmio, &raw); });
  return {raw.vendor, raw.part, raw.revision, raw.serial, raw.map_major, raw.map_minor, raw.map_hash};
}

}  // namespace

Device::Device(std::unique_ptr<Transport> transport) {
  if (!transport) throw Error(HB_BAD_ARG, "Device: the transport is null");
  impl_ = std::make_unique<Impl>(std::move(transport));
  if (const auto* many = dynamic_cast<RackLink*>(&impl_->link.transport())) {
    impl_->rack = many->rack();
    impl_->identity = impl_->rack->identity();
    impl_->capabilities = impl_->rack->capabilities();
    impl_->step = impl_->rack->step();
    return;
  }
  impl_->identity = identity_of(impl_->link);
  impl_->capabilities = capabilities_of(impl_->link);
  impl_->step = impl_->read_step();
  impl_->memory = impl_->link.map(HB_MEMORY_BASE, impl_->capabilities.memory_bytes);
}

Device::Device(Device&&) noexcept = default;

Device& Device::operator=(Device&&) noexcept = default;

Device::~Device() = default;

Device::Impl::~Impl() {
  const Error closed(HB_ABORTED, "the device was closed while a job ran");
  if (active != nullptr) active->lose(closed);
  if (const auto job = rack_job.lock()) job->lose(closed);
}

Ticks Device::Impl::read_step() {
  std::uint32_t ticks = 0;
  run("reading the step", [&](const hb_mmio_t* mmio) { return hb_dif_dt_get(mmio, &ticks); });
  return {ticks};
}

const Identity& Device::identity() const { return impl_->identity; }

const Capabilities& Device::capabilities() const { return impl_->capabilities; }

LinkInfo Device::link() const { return impl_->link.transport().info(); }

Ticks Device::now() { return impl_->now(); }

void Device::reset() {
  const Error reset(HB_ABORTED, "the device was reset while the job ran");
  if (impl_->active != nullptr) impl_->active->lose(reset);
  if (impl_->rack != nullptr) {
    if (const auto job = impl_->rack_job.lock()) job->lose(reset);
    impl_->rack->reset();
    impl_->step = impl_->rack->step();
    return;
  }
  impl_->run("reset", [](const hb_mmio_t* mmio) { return hb_dif_reset(mmio); });
  impl_->step = impl_->read_step();
}

Work Device::work() {
  if (impl_->rack != nullptr) return impl_->rack->work();
  Work work = impl_->work;
  work.device_seconds = static_cast<double>(now().count) * impl_->capabilities.tick_seconds();
  return work;
}

Ticks Device::step() const { return impl_->step; }

void Device::set_step(Ticks dt) {
  require(impl_->capabilities.dt_programmable, "Device::set_step", "DT_PROGRAMMABLE");
  if (dt.count == 0 || dt.count > std::numeric_limits<std::uint32_t>::max())
    throw Error(HB_BAD_ARG, "Device::set_step: " + std::to_string(dt.count) + " ticks; the step must be in 1..4294967295");
  if (impl_->active != nullptr || impl_->rack_runs()) throw Error(HB_BUSY, "Device::set_step: a job runs; wait for it first");
  if (impl_->rack != nullptr) impl_->rack->set_step(dt);
  else impl_->run("Device::set_step", [&](const hb_mmio_t* mmio) { return hb_dif_dt_set(mmio, static_cast<std::uint32_t>(dt.count)); });
  impl_->step = dt;
}

void Device::set_step_time_units(double time_units) {
  const auto unit = static_cast<double>(impl_->capabilities.time_unit.count);
  const double wanted = time_units * unit, count = std::round(wanted);
  if (!(wanted > 0 && count < 0x1p32) || !numerics::is_near(wanted, count))
    throw Error(HB_BAD_ARG, "Device::set_step_time_units: a step of " + numerics::text_of(time_units) +
                                " time units; a step has 1..4294967295 ticks of " + numerics::text_of(1 / unit) +
                                " time units, and may be off by 1 %");
  set_step(Ticks{static_cast<std::uint64_t>(count)});
}

Ticks Device::ticks(double time_units) const {
  const Ticks nearest = nearest_ticks(time_units);
  if (numerics::is_near(time_units, this->time_units(nearest))) return nearest;
  const Ticks grid{impl_->grid()};
  throw Error(HB_BAD_ARG, "Device::ticks: " + numerics::text_of(time_units) + " time units; the array moves in steps of " +
                              numerics::text_of(this->time_units(grid)) + ", and the nearest duration, " +
                              numerics::text_of(this->time_units(nearest)) + ", is off by more than 1 %");
}

Ticks Device::nearest_ticks(double time_units) const {
  const double grid = static_cast<double>(impl_->grid());
  const double steps = std::round(time_units * static_cast<double>(impl_->capabilities.time_unit.count) / grid);
  if (!(time_units >= 0) || !(steps * grid < 0x1p63))
    throw Error(HB_BAD_ARG, "Device::ticks: " + numerics::text_of(time_units) +
                                " time units; it must be 0 or more and fit 63 bits of ticks");
  const std::uint64_t whole = static_cast<std::uint64_t>(steps);
  return Ticks{static_cast<std::uint64_t>(grid)} * (time_units > 0 ? std::max<std::uint64_t>(1, whole) : 0);
}

double Device::time_units(Ticks duration) const {
  return static_cast<double>(duration.count) / static_cast<double>(impl_->capabilities.time_unit.count);
}

Ticks Device::capture_period(Ticks wanted) const {
  const std::uint64_t grid = impl_->grid();
  const std::uint64_t shortest = std::max({wanted.count, impl_->capabilities.capture_min.count, grid});
  const std::uint64_t over = shortest % grid;
  const std::uint64_t rest = over == 0 ? 0 : grid - over;
  if (shortest > std::numeric_limits<std::uint64_t>::max() - rest)
    throw Error(HB_BAD_ARG, "Device::capture_period: " + std::to_string(wanted.count) +
                                " ticks; the next multiple of the step does not fit 64 bits of ticks");
  return {shortest + rest};
}

bool Device::Impl::rack_runs() const {
  const auto job = rack_job.lock();
  return job && job->poll() == Job::State::running;
}

std::shared_ptr<RackJob> Device::Impl::start_on_rack(const Program& program, const JobOptions& options) {
  if (rack_runs()) throw Error(HB_BUSY, "Device::start: a job of this device runs; wait for it or destroy it first");
  if (options.seed && options.first_step != 0)
    throw Error(HB_UNSUPPORTED, "Device::start: first_step on a rack; which of its devices holds what states is not fixed: "
                                "open one of them");
  if (options.checkpoints.due || !options.checkpoints.from.empty())
    throw Error(HB_UNSUPPORTED, "Device::start: checkpoints on a rack; run the shots in parts, whose results merge, or open one "
                                "of its devices");
  struct Lanes {  // a device of the rack has its own memory for its own lanes
    Lanes(std::uint32_t& where, std::uint32_t of_one) : lanes(where), all(std::exchange(where, of_one)) {}
    ~Lanes() { lanes = all; }
    Lanes(const Lanes&) = delete;
    std::uint32_t &lanes, all;
  };
  {
    const Lanes of_one(capabilities.lanes, rack->lanes_of_one());
    JobOptions checked = options;
    if (!checked.records) checked.records = [](const RecordOfPass&) {};  // memory of captures is the devices' business
    Job::Impl job(*this, program, checked, {});
    job.state = Job::State::failed;
  }
  auto job = std::make_shared<RackJob>(rack, program, options);
  rack_job = job;
  job->begin();
  return job;
}

std::vector<RackMember> Device::members() const {
  return impl_->rack != nullptr ? impl_->rack->report() : std::vector<RackMember>();
}

void Device::correct(std::shared_ptr<const ChipCorrection> correction) {
  if (impl_->rack != nullptr && correction)
    throw Error(HB_UNSUPPORTED, "Device::correct: a rack, whose devices are different chips; open one of them");
  if (impl_->active != nullptr) throw Error(HB_BUSY, "Device::correct: a job runs; wait for it first");
  impl_->capabilities.correction = std::move(correction);
}

Job Device::start(const Program& program, const JobOptions& options, Capture&& spare) {
  if (program.capabilities().correction != impl_->capabilities.correction)
    throw Error(HB_BAD_ARG, "Device::start: the program was made before Device::correct; make it again");
  if (impl_->capabilities.correction) impl_->capabilities.correction->require(*this);
  if (impl_->rack != nullptr) return Job(impl_->start_on_rack(program, options));
  auto job = std::make_unique<Job::Impl>(*impl_, program, options, std::move(spare));
  job->begin();
  return Job(std::move(job));
}

Result Device::run(const Program& program, const JobOptions& options, Capture&& spare) {
  return start(program, options, std::move(spare)).wait();
}

Transport& Device::transport() { return impl_->link.transport(); }

Device open_link(std::string_view uri) { return Device(open_link_transport(std::string(uri))); }

}  // namespace heatbath

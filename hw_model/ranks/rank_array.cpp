#include "hw_model/ranks/rank_array.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <functional>
#include <map>
#include <new>
#include <stdexcept>
#include <utility>
#include <vector>

#include "heatbath/numerics/archive.hpp"
#include "heatbath/numerics/work_watch.hpp"
#include "hw_model/physics/cell_law.hpp"
#include "hw_model/physics/lane_exchange.hpp"
#include "hw_model/ranks/graph_cut.hpp"
#include "hw_model/ranks/halo_exchange.hpp"

namespace heatbath::ranks {
namespace {

using physics::Array;
using physics::ArraySpec;
using physics::CellMeter;
using physics::Couplings;
using physics::LaneMeters;
using physics::Parameters;
using physics::ValueList;

enum class Order : std::uint8_t {
  end, make, drop, clamp, write, change, change_ramp, advance, restart, meters_on, cell_meter_on, clear_meters,
  clear_rails, read, turns, meters, cell_meter, energy, rails, exchange
};

/// Sets of parameters that ranks keep: those of a ramp that is changed are the most that an order has.
constexpr std::size_t kept_sets = 4;
constexpr std::uint8_t none = 0xFF;

using Field = ValueList Parameters::*;
/// Lists that have one value per cell, or several, or are empty; and what a row that is no cell has.
constexpr std::pair<Field, float> fields[] = {{&Parameters::j2, 0.0f},      {&Parameters::j4, 0.0f},
                                              {&Parameters::bias, 0.0f},    {&Parameters::kT_cell, 0.0f},
                                              {&Parameters::mass, 1.0f},    {&Parameters::damping, 0.0f},
                                              {&Parameters::frequency, 0.0f}};

void put_values(Message& order, const ValueList& values) {
  order.put(values.one_value()).put(std::uint64_t{values.size()});
  if (values.empty()) return;
  if (values.one_value()) {
    order.put(values.front());
  } else {
    order.put_all(std::span<const float>(std::vector<float>(values.begin(), values.end())));
  }
}
ValueList get_values(Message& order) {
  const bool one = order.get<bool>();
  const auto size = order.get<std::uint64_t>();
  if (size == 0) return {};
  return one ? ValueList(size, order.get<float>()) : ValueList(order.get_all<float>());
}

struct Scalars {
  float gain, kT;
  bool bias_per_lane;
};

/// What an order brings back on the first rank.
struct Answer {
  std::vector<float> states;
  std::vector<std::int32_t> turns;
  std::vector<double> cells;
  LaneMeters meters;
  double energy = 0;
  std::uint64_t steps = 0, rail_count = 0;
  std::uint32_t rail_cell = 0xFFFFFFFFu;
};

/// Records on the first rank: ordinal, lane, what the ranks have.
using Records = std::function<void(std::uint64_t, std::uint32_t, Answer)>;

/// A rank's part of an array.
class Part {
 public:
  /// Of the order to make it. Throws std::bad_alloc on all ranks where one has not enough memory.
  Part(Communicator& ranks, Message& order) : ranks_(ranks) {
    ArraySpec spec;
    spec.kind = order.get<physics::CellKind>();
    spec.stepper = order.get<physics::Stepper>();
    spec.lanes = order.get<std::uint32_t>();
    spec.states = order.get<std::uint32_t>();
    spec.mobility = order.get<float>();
    spec.rail = order.get<float>();
    spec.reciprocal = order.get<bool>();
    spec.spin_codes = order.get<physics::SpinCodes>();
    spec.spin_noise = order.get<physics::SpinNoise>();
    physics::Cut part;
    part.first_row = order.get<std::uint32_t>();
    part.rows = order.get<std::uint32_t>();
    part.first_cell = order.get<std::uint32_t>();
    part.cells = order.get<std::uint32_t>();
    part.rank = ranks.rank();
    part.ranks = ranks.size();
    part.colours = order.get_all<std::uint8_t>();
    part.others = order.get_all<std::uint32_t>();
    part.lower = order.get<std::uint32_t>();
    const auto begins = order.get_all<std::uint32_t>();
    spec.cells = part.all_rows();
    spec.exchange = std::make_shared<HaloExchange>(ranks, part, begins);
    bool failed = false;
    try {
      auto couplers = order.get_all<physics::Coupler>();
      order = {};  // as large as they are
      spec.graph = std::make_shared<const physics::Graph>(spec.cells, std::move(couplers));
      array_ = physics::make_array(spec, nullptr);
    } catch (const std::bad_alloc&) {
      failed = true;
    }
    if (ranks.any(failed)) throw std::bad_alloc();
    const physics::Cut& own = spec.exchange->cut();
    std::vector<std::uint8_t> held(spec.cells, 1);
    std::fill_n(held.begin() + own.first_row, own.rows, std::uint8_t{0});
    array_->set_clamped(held, Parameters{});
  }

  const physics::Cut& cut() const { return array_->spec().exchange->cut(); }
  /// On the first rank, while the others obey an order to exchange.
  void exchange(numerics::Archive& archive) { array_->exchange(archive); }

  /// Does what an order says. `record`: called with the records of a run, for all lanes, on the first rank.
  Answer obey(Order what, Message& order, const Records& record) {
    Array& a = *array_;
    Answer answer;
    switch (what) {
      case Order::exchange: {
        const bool reads = order.get<bool>();
        const auto version = order.get<std::uint32_t>();
        const auto bytes = order.get_all<std::byte>();
        numerics::Archive archive = reads ? numerics::Archive(bytes, version) : numerics::Archive(version);
        a.exchange(archive);
        break;
      }
      case Order::end:
      case Order::make:
      case Order::drop: break;
      case Order::clamp: {
        const auto held = order.get_all<std::uint8_t>();
        a.set_clamped(held, set(order));
        break;
      }
      case Order::write: {
        const auto lane = order.get<std::uint32_t>(), first = order.get<std::uint32_t>();
        const auto values = order.get_all<float>();
        a.write(lane, first, values, set(order));
        break;
      }
      case Order::change: {
        const Parameters &from = set(order), &to = set(order);
        a.change_parameters(from, to);
        break;
      }
      case Order::change_ramp: {
        const Parameters &from = set(order), &from_target = set(order), &to = set(order), &to_target = set(order);
        const auto first = order.get<std::uint64_t>(), steps = order.get<std::uint64_t>();
        a.change_ramp({from, from_target}, {to, to_target}, first, steps);
        break;
      }
      case Order::advance: answer.steps = advance(order, record); break;
      case Order::restart: a.restart(); break;
      case Order::meters_on: a.enable_meters(order.get<bool>()); break;
      case Order::cell_meter_on: a.enable_cell_meter(order.get<CellMeter>()); break;
      case Order::clear_meters: a.clear_meters(); break;
      case Order::clear_rails: a.clear_rails(); break;
      case Order::read: {
        std::vector<float> state(a.variables());
        a.read(order.get<std::uint32_t>(), state);
        answer.states = states(state);
        break;
      }
      case Order::turns: answer.turns = turns(order.get<std::uint32_t>()); break;
      case Order::meters: {
        const auto lane = order.get<std::uint32_t>();
        answer.meters = a.meters(lane, set(order));
        break;
      }
      case Order::cell_meter: {
        const auto meter = order.get<CellMeter>();
        const auto lane = order.get<std::uint32_t>();
        std::vector<double> values(a.cells());
        a.cell_meter(meter, lane, values);
        answer.cells = ranks_.gather(std::span<const double>(values).subspan(cut().first_row, cut().rows));
        break;
      }
      case Order::energy: {
        const auto lane = order.get<std::uint32_t>();
        answer.energy = a.energy(lane, set(order));
        break;
      }
      case Order::rails: {
        const physics::Rails all = physics::rails_everywhere({a.rail_count(), a.rail_cell()}, a.spec().exchange.get());
        answer.rail_count = all.rail_count;
        answer.rail_cell = all.rail_cell;
        break;
      }
    }
    return answer;
  }

 private:
  /// A set that was named, or, before its name, sent.
  const Parameters& set(Message& order) {
    const auto at = order.get<std::uint8_t>();
    if (!order.get<bool>()) return sets_[at];
    Parameters p;
    const auto scalars = order.get<Scalars>();
    p.gain = scalars.gain, p.kT = scalars.kT, p.bias_per_lane = scalars.bias_per_lane;
    for (const auto& [field, value] : fields) {
      const auto same = order.get<std::uint8_t>();
      p.*field = same == none ? get_values(order) : sets_[same].*field;
    }
    const auto same = order.get<std::uint8_t>();
    if (same != none) {
      p.couplings = sets_[same].couplings;
    } else if (order.get<bool>()) {
      p.couplings = std::make_shared<const Couplings>(array_->spec().graph, get_values(order));
    } else {
      p.couplings = std::make_shared<const Couplings>(array_->cells());
    }
    return sets_[at] = std::move(p);
  }

  std::vector<float> states(std::span<const float> state) {
    std::vector<float> own;
    for (std::size_t component = 0; component < state.size(); component += array_->cells()) {
      const auto part = state.subspan(component + cut().first_row, cut().rows);
      own.insert(own.end(), part.begin(), part.end());
    }
    return ranks_.gather(std::span<const float>(own));
  }
  std::vector<std::int32_t> turns(std::uint32_t lane) {
    std::vector<std::int32_t> own(cut().rows);
    for (std::uint32_t row = 0; row < own.size(); ++row) own[row] = array_->turns(lane, cut().first_row + row);
    return ranks_.gather(std::span<const std::int32_t>(own));
  }

  std::uint64_t advance(Message& order, const Records& record) {
    physics::Run run;
    run.steps = order.get<std::uint64_t>();
    run.dt = order.get<double>();
    run.noise = order.get<physics::NoiseOrigin>();
    run.ramp_steps = order.get<std::uint64_t>();
    run.ramp_first = order.get<std::uint64_t>();
    run.record_period = order.get<std::uint64_t>();
    run.record_first = order.get<std::uint64_t>();
    const bool with_turns = order.get<bool>();
    const Parameters& live = set(order);
    if (order.get<bool>()) run.target = &set(order);
    run.record = [&](std::uint64_t ordinal, std::uint32_t lane, std::span<const float> state) {
      Answer recorded;
      recorded.states = states(state);
      if (with_turns) recorded.turns = turns(lane);
      if (record) record(ordinal, lane, std::move(recorded));
    };
    return array_->advance(run, live);
  }

  Communicator& ranks_;
  std::unique_ptr<Array> array_;
  std::array<Parameters, kept_sets> sets_;
};

/// The array on the first rank.
class RankArray final : public Array {
 public:
  RankArray(const ArraySpec& spec, Communicator& ranks) : Array(spec), ranks_(ranks), number_(next_number_++) {
    if (const auto no = physics::refusal_of_cut(this->spec())) throw std::invalid_argument(no->what);
    const ArraySpec& made = this->spec();
    begins_ = cut_points(made.cells, ranks.size());
    const std::lock_guard lock(ranks.orders());
    std::vector<Message> own(1);
    parts_.resize(ranks.size());
    bool given = false;
    try {
      for (std::uint32_t rank = ranks.size(); rank-- > 0;) {  // one by one: they are large
        Message order = order_to_make(rank);
        if (rank == 0) own.front() = std::move(order);
        else given = true, ranks.send(rank, order);
      }
    } catch (...) {
      if (given) ranks.lose();  // those that have their orders wait for the others
      throw;
    }
    auto [what, order] = take(own);
    own.clear();
    here_ = std::make_unique<Part>(ranks, order);
  }
  ~RankArray() override {
    try {
      give(begin(Order::drop));
    } catch (const std::exception&) {  // the program is about to end
    }
  }

  void read(std::uint32_t lane, std::span<float> out) const override {
    auto orders = begin(Order::read);
    for (Message& order : orders) order.put(lane);
    whole_states(give(std::move(orders)).states, out);
  }
  float state(std::uint32_t lane, std::uint32_t variable) const override {
    std::vector<float> values(variables());
    read(lane, values);
    return values[variable];
  }
  std::int32_t turns(std::uint32_t lane, std::uint32_t cell) const override {
    if (!with_turns()) return 0;
    if (turns_lane_ != lane) {
      auto orders = begin(Order::turns);
      for (Message& order : orders) order.put(lane);
      turns_ = give(std::move(orders)).turns;
      turns_lane_ = lane;
    }
    return turns_[cell];
  }
  void write(std::uint32_t lane, std::uint32_t first, std::span<const float> values, const Parameters& live) override {
    auto orders = begin(Order::write);
    for (std::uint32_t rank = 0; rank < orders.size(); ++rank) {
      // The rows written are one stretch of a rank's variables: its rows come in the order of the cells.
      const physics::Cut& part = parts_[rank];
      const std::uint32_t count = part.all_rows();
      std::uint32_t begin = 0;
      std::vector<float> here;
      for (std::uint32_t variable = 0; variable < count * components(spec().kind); ++variable) {
        const std::uint32_t cell = part.cell(variable % count);
        const std::uint64_t whole = std::uint64_t{variable / count} * cells() + cell;
        const bool within = cell != physics::Cut::no_cell && whole >= first && whole < first + values.size();
        if (within && here.empty()) begin = variable;
        if (within) {
          here.resize(variable - begin, 0.0f);  // rows between that are no cells
          here.push_back(values[static_cast<std::size_t>(whole - first)]);
        }
      }
      orders[rank].put(lane).put(begin).put_all(std::span<const float>(here));
    }
    put_set(orders, live);
    changed();
    give(std::move(orders));
  }
  void set_clamped(std::span<const std::uint8_t> clamped, const Parameters& live) override {
    auto orders = begin(Order::clamp);
    for (std::uint32_t rank = 0; rank < orders.size(); ++rank) {
      const physics::Cut& cut = parts_[rank];
      std::vector<std::uint8_t> held(parts_[rank].all_rows(), 1);
      std::copy_n(clamped.begin() + cut.first_cell, cut.rows, held.begin() + cut.first_row);
      orders[rank].put_all(std::span<const std::uint8_t>(held));
    }
    put_set(orders, live);
    changed();
    give(std::move(orders));
  }
  void change_parameters(const Parameters& from, const Parameters& to) override {
    auto orders = begin(Order::change);
    put_set(orders, from);
    put_set(orders, to);
    give(std::move(orders));
  }
  void change_ramp(const physics::Ramp& from, const physics::Ramp& to, std::uint64_t ramp_first,
                   std::uint64_t ramp_steps) override {
    auto orders = begin(Order::change_ramp);
    for (const Parameters* p : {&from.live, &from.target, &to.live, &to.target}) put_set(orders, *p);
    for (Message& order : orders) order.put(ramp_first).put(ramp_steps);
    give(std::move(orders));
  }
  std::uint64_t advance(const physics::Run& run, const Parameters& live) override {
    if (run.steps == 0) return 0;
    check_run(spec(), run);
    auto orders = begin(Order::advance);
    const bool recorded = run.record_period > 0;
    for (Message& order : orders)
      order.put(run.steps).put(run.dt).put(run.noise).put(run.ramp_steps).put(run.ramp_first).put(run.record_period)
          .put(run.record_first).put(recorded && with_turns());
    put_set(orders, live);
    for (Message& order : orders) order.put(run.target != nullptr);
    if (run.target != nullptr) put_set(orders, *run.target);
    changed();
    const std::uint64_t steps = give(std::move(orders), [&](std::uint64_t ordinal, std::uint32_t lane, Answer answer) {
      std::vector<float> state(variables());
      whole_states(answer.states, state);
      turns_ = std::move(answer.turns);
      turns_lane_ = lane;
      run.record(ordinal, lane, state);
    }).steps;
    changed();
    return steps;
  }
  void restart() override { give(begin(Order::restart)); }

  /// The bytes of a whole array.
  void exchange(numerics::Archive& archive) override {
    auto orders = begin(Order::exchange);
    std::vector<std::byte> rest;
    if (archive.reads()) {
      numerics::Archive ahead = archive;
      rest.resize(ahead.left());
      ahead.raw(rest);
    }
    for (std::uint32_t rank = 1; rank < orders.size(); ++rank)
      orders[rank].put(archive.reads()).put(archive.version()).put_all(std::span<const std::byte>(rest));
    changed();
    const std::lock_guard lock(ranks_.orders());
    send(orders);
    here_->exchange(archive);
  }

  void enable_meters(bool on) override {
    auto orders = begin(Order::meters_on);
    for (Message& order : orders) order.put(on);
    give(std::move(orders));
  }
  void enable_cell_meter(CellMeter meter) override {
    auto orders = begin(Order::cell_meter_on);
    for (Message& order : orders) order.put(meter);
    give(std::move(orders));
  }
  void clear_meters() override { give(begin(Order::clear_meters)); }
  LaneMeters meters(std::uint32_t lane, const Parameters& live) const override {
    auto orders = begin(Order::meters);
    for (Message& order : orders) order.put(lane);
    put_set(orders, live);
    return give(std::move(orders)).meters;
  }
  void cell_meter(CellMeter meter, std::uint32_t lane, std::span<double> out) const override {
    auto orders = begin(Order::cell_meter);
    for (Message& order : orders) order.put(meter).put(lane);
    std::ranges::copy(give(std::move(orders)).cells, out.begin());
  }
  double energy(std::uint32_t lane, const Parameters& live) const override {
    auto orders = begin(Order::energy);
    for (Message& order : orders) order.put(lane);
    put_set(orders, live);
    return give(std::move(orders)).energy;
  }
  std::uint64_t rail_count() const override { return give(begin(Order::rails)).rail_count; }
  std::uint32_t rail_cell() const override { return give(begin(Order::rails)).rail_cell; }
  void clear_rails() override { give(begin(Order::clear_rails)); }

 private:
  /// What a rank needs to make its part of the array.
  Message order_to_make(std::uint32_t rank) {
    const ArraySpec& made = spec();
    Message order = std::move(begin(Order::make).front());
    physics::Cut& part = parts_[rank] = part_of(*made.graph, begins_, rank);
    order.put(made.kind).put(made.stepper).put(made.lanes).put(made.states).put(made.mobility).put(made.rail);
    order.put(made.reciprocal).put(made.spin_codes).put(made.spin_noise);
    order.put(part.first_row).put(part.rows).put(part.first_cell).put(part.cells);
    order.put_all(std::span<const std::uint8_t>(part.colours));
    order.put_all(std::span<const std::uint32_t>(part.others)).put(part.lower);
    order.put_all(std::span<const std::uint32_t>(begins_));
    std::uint64_t couplers = 0;
    for_couplers(*made.graph, part, [&](const physics::Coupler&, std::uint32_t) { ++couplers; });
    order.reserve(couplers * sizeof(physics::Coupler)).put(couplers);
    for_couplers(*made.graph, part, [&](const physics::Coupler& coupler, std::uint32_t) { order.put(coupler); });
    part.colours = std::vector<std::uint8_t>();  // {} would keep the memory
    return order;
  }

  bool with_turns() const { return physics::law(spec().kind).periodic; }
  /// States or held cells are about to change.
  void changed() { turns_lane_ = 0xFFFFFFFFu; }

  std::vector<Message> begin(Order what) const {
    std::vector<Message> orders(ranks_.size());
    for (Message& order : orders) order.put(what).put(number_);
    return orders;
  }
  void send(const std::vector<Message>& orders) const {
    for (std::uint32_t rank = 1; rank < orders.size(); ++rank) ranks_.send(rank, orders[rank]);
  }
  /// The first rank's own, past what serve_orders reads.
  static std::pair<Order, Message> take(std::vector<Message>& orders) {
    Message own = std::move(orders.front());
    const auto what = own.get<Order>();
    own.get<std::uint64_t>();
    return {what, std::move(own)};
  }
  Answer give(std::vector<Message> orders,
              const Records& record = {}) const {
    const std::lock_guard lock(ranks_.orders());
    send(orders);
    auto [what, own] = take(orders);
    const numerics::Unwatched others_wait;
    try {
      return here_->obey(what, own, record);
    } catch (...) {
      ranks_.lose();
      throw;
    }
  }

  /// [component][cell] of the whole array, from what ranks have.
  void whole_states(const std::vector<float>& all, std::span<float> out) const {
    auto from = all.begin();
    for (const physics::Cut& part : parts_)
      for (std::uint32_t component = 0; component < components(spec().kind); ++component) {
        std::copy_n(from, part.rows, out.begin() + std::size_t{component} * cells() + part.first_cell);
        from += part.rows;
      }
  }

  static bool same(const Parameters& a, const Parameters& b) {
    return a.couplings == b.couplings && a.gain == b.gain && a.kT == b.kT && a.bias_per_lane == b.bias_per_lane &&
           std::ranges::all_of(fields, [&](const auto& of) { return a.*of.first == b.*of.first; });
  }

  /// Names a set of parameters in the orders; sends of it what the ranks do not have.
  void put_set(std::vector<Message>& orders, const Parameters& p) const {
    auto place = std::ranges::find_if(sets_, [&](const Set& kept) { return kept.used != 0 && same(kept.parameters, p); });
    const bool fresh = place == sets_.end();
    if (fresh) place = std::ranges::min_element(sets_, {}, &Set::used);
    const auto at = static_cast<std::uint8_t>(place - sets_.begin());
    place->used = ++uses_;
    for (Message& order : orders) order.put(at).put(fresh);
    if (!fresh) return;
    for (Message& order : orders) order.put(Scalars{p.gain, p.kT, p.bias_per_lane});
    const auto kept_with = [&](const auto& has) {
      const auto kept = std::ranges::find_if(sets_, [&](const Set& of) { return of.parameters.couplings && has(of.parameters); });
      return kept == sets_.end() ? none : static_cast<std::uint8_t>(kept - sets_.begin());
    };
    for (const auto& of : fields) {
      const auto& field = of.first;
      const std::uint8_t same = kept_with([&](const Parameters& kept) { return kept.*field == p.*field; });
      for (std::uint32_t rank = 0; rank < orders.size(); ++rank) {
        orders[rank].put(same);
        if (same == none) put_rows(orders[rank], p.*field, parts_[rank], of.second);
      }
    }
    const std::uint8_t same = kept_with([&](const Parameters& kept) { return kept.couplings == p.couplings; });
    for (std::uint32_t rank = 0; rank < orders.size(); ++rank) {
      orders[rank].put(same);
      if (same == none) put_couplings(orders[rank], *p.couplings, parts_[rank]);
    }
    place->parameters = p;
  }
  void put_rows(Message& order, const ValueList& values, const physics::Cut& part, float other) const {
    const std::size_t per_cell = is_bias_of_states(values) ? spec().states : 1, rows = part.all_rows();
    const std::size_t size = values.size() / cells() * rows;
    if (values.one_value()) return put_values(order, ValueList(size, values.empty() ? 0.0f : values.front()));
    std::vector<float> here;
    here.reserve(size);
    for (std::size_t first = 0; first < values.size(); first += per_cell * cells())
      for (std::uint32_t row = 0; row < rows; ++row)
        for (std::size_t n = 0; n < per_cell; ++n) {
          const std::uint32_t cell = part.cell(row);
          here.push_back(cell == physics::Cut::no_cell ? other : values[first + cell * per_cell + n]);
        }
    put_values(order, std::move(here));
  }
  bool is_bias_of_states(const ValueList& values) const {
    return has_labels(spec().kind) && values.size() % (std::size_t{cells()} * spec().states) == 0;
  }
  void put_couplings(Message& order, const Couplings& couplings, const physics::Cut& part) const {
    order.put(!couplings.zero());
    if (couplings.zero()) return;
    const ValueList& values = couplings.coupler_values();
    const std::size_t each = values.size() / spec().graph->couplers().size();
    if (values.one_value()) {
      std::size_t count = 0;
      for_couplers(*spec().graph, part, [&](const physics::Coupler&, std::uint32_t) { ++count; });
      return put_values(order, ValueList(each * count, values.front()));
    }
    std::vector<float> here;
    for_couplers(*spec().graph, part, [&](const physics::Coupler&, std::uint32_t ordinal) {
      for (std::size_t n = 0; n < each; ++n) here.push_back(values[each * ordinal + n]);
    });
    put_values(order, std::move(here));
  }

  struct Set {
    Parameters parameters;
    std::uint64_t used = 0;
  };

  static inline std::atomic<std::uint64_t> next_number_ = 1;
  Communicator& ranks_;
  const std::uint64_t number_;
  std::vector<std::uint32_t> begins_;
  std::vector<physics::Cut> parts_;
  std::unique_ptr<Part> here_;
  mutable std::array<Set, kept_sets> sets_;
  mutable std::uint64_t uses_ = 0;
  mutable std::vector<std::int32_t> turns_;  // of turns_lane_
  mutable std::uint32_t turns_lane_ = 0xFFFFFFFFu;
};

}  // namespace

std::unique_ptr<physics::Array> make_rank_array(const physics::ArraySpec& spec, Communicator& ranks) {
  return std::make_unique<RankArray>(spec, ranks);
}

void serve_orders(Communicator& ranks) {
  std::map<std::uint64_t, std::unique_ptr<Part>> parts;
  try {
    for (;;) {
      Message order = ranks.receive();
      const auto what = order.get<Order>();
      if (what == Order::end) return;
      const auto number = order.get<std::uint64_t>();
      if (what == Order::make) {
        try {
          parts[number] = std::make_unique<Part>(ranks, order);
        } catch (const std::bad_alloc&) {  // the first rank says so
          parts.erase(number);
        }
      } else if (what == Order::drop) {
        parts.erase(number);
      } else {
        try {
          parts.at(number)->obey(what, order, {});
        } catch (const numerics::Archive::Refused&) {  // by all ranks alike; the first one says so
        }
      }
    }
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "heatbath: mpi: rank %u: %s\n", ranks.rank(), failure.what());
    ranks.abort(1);
  }
}

void end_orders(Communicator& ranks) {
  if (ranks.lost()) ranks.abort(1);
  Message order;
  order.put(Order::end);
  for (std::uint32_t rank = 1; rank < ranks.size(); ++rank) ranks.send(rank, order);
}

}  // namespace heatbath::ranks

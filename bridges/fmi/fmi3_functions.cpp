// The C interface of the unit: no exception crosses it, every error is fmi3Error with one logged line.

#include <algorithm>
#include <cstring>
#include <exception>
#include <map>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <vector>

#include "bridges/fmi/chip_unit.hpp"
#include "bridges/fmi/fmi3.hpp"
#include "heatbath/error.hpp"

using heatbath::apps::fmi::ChipUnit;
using heatbath::apps::fmi::Type;
using heatbath::apps::fmi::UnitState;

namespace {

struct Instance {
  std::string name;
  std::unique_ptr<ChipUnit> unit;
  fmi3InstanceEnvironment environment = nullptr;
  fmi3LogMessageCallback log = nullptr;
  fmi3IntermediateUpdateCallback intermediate_update = nullptr;
  bool early_return_allowed = false;
  std::map<fmi3FMUState, std::unique_ptr<UnitState>> states;  // that the importer holds

  /// A state that this instance gave out and that was not freed. Nothing of the pointer is looked at before it is
  /// known.
  UnitState& known(fmi3FMUState state, const char* function) const {
    const auto found = states.find(state);
    if (found == states.end())
      throw heatbath::Error(HB_BAD_ARG, std::string(function) + ": the pointer is no state of this instance");
    return *found->second;
  }

  /// Puts a state where the importer has one, or gives out a new one.
  void give(fmi3FMUState* place, UnitState state, const char* function) {
    if (*place != nullptr) {
      known(*place, function) = std::move(state);
      return;
    }
    auto made = std::make_unique<UnitState>(std::move(state));
    const fmi3FMUState handle = made.get();
    states.emplace(handle, std::move(made));
    *place = handle;
  }

  fmi3Status fail(const std::string& what) const {
    if (log != nullptr) log(environment, fmi3Error, "logStatusError", (name + ": " + what).c_str());
    return fmi3Error;
  }
};

/// Runs `function(unit)` for an instance; errors become fmi3Error.
template <class Function>
fmi3Status call(fmi3Instance handle, Function&& function) {
  auto* const instance = static_cast<Instance*>(handle);
  if (instance == nullptr) return fmi3Error;
  try {
    function(*instance);
    return fmi3OK;
  } catch (const std::bad_alloc&) {
    return instance->fail("out of memory");
  } catch (const std::exception& error) {
    return instance->fail(error.what());
  }
}

fmi3Status unsupported(fmi3Instance handle, const char* function) {
  return call(handle, [&](Instance&) {
    throw heatbath::Error(HB_UNSUPPORTED, std::string(function) + " is not supported by this unit");
  });
}

/// Sizes of all variables first, so that a wrong call changes nothing.
template <class Value>
void check_sizes(const ChipUnit& unit, Type type, const fmi3ValueReference* references, std::size_t count,
                 const Value* values, std::size_t values_count) {
  std::size_t needed = 0;
  for (std::size_t i = 0; i < count; ++i) needed += unit.size(references[i], type);
  if (needed != values_count || (values == nullptr && needed > 0))
    throw heatbath::Error(HB_BAD_ARG, "the variables have " + std::to_string(needed) + " values, the call has " +
                                          std::to_string(values_count));
}

template <class Value>
fmi3Status get(fmi3Instance handle, Type type, const fmi3ValueReference* references, std::size_t count, Value* values,
               std::size_t values_count) {
  return call(handle, [&](Instance& instance) {
    check_sizes(*instance.unit, type, references, count, values, values_count);
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t size = instance.unit->size(references[i], type);
      instance.unit->get(references[i], std::span(values, size));
      values += size;
    }
  });
}

template <class Value>
fmi3Status set(fmi3Instance handle, Type type, const fmi3ValueReference* references, std::size_t count,
               const Value* values, std::size_t values_count) {
  return call(handle, [&](Instance& instance) {
    check_sizes(*instance.unit, type, references, count, values, values_count);
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t size = instance.unit->size(references[i], type);
      instance.unit->set(references[i], std::span(values, size));
      values += size;
    }
  });
}

}  // namespace

#define FMI3_EXPORT extern "C" __attribute__((visibility("default")))

FMI3_EXPORT const char* fmi3GetVersion() { return "3.0"; }

FMI3_EXPORT fmi3Status fmi3SetDebugLogging(fmi3Instance handle, fmi3Boolean, std::size_t count,
                                           const fmi3String* categories) {
  return call(handle, [&](Instance&) {  // errors are the only category, and are always logged
    for (std::size_t i = 0; i < count; ++i)
      if (std::strcmp(categories[i], "logStatusError") != 0)
        throw heatbath::Error(HB_BAD_ARG, std::string("there is no log category ") + categories[i]);
  });
}

// -- instances --------------------------------------------------------------------------------------------------------

FMI3_EXPORT fmi3Instance fmi3InstantiateCoSimulation(fmi3String name, fmi3String token, fmi3String resource_path,
                                                     fmi3Boolean, fmi3Boolean, fmi3Boolean event_mode_used,
                                                     fmi3Boolean early_return_allowed, const fmi3ValueReference*,
                                                     std::size_t, fmi3InstanceEnvironment environment,
                                                     fmi3LogMessageCallback log,
                                                     fmi3IntermediateUpdateCallback intermediate_update) {
  auto instance = std::unique_ptr<Instance>(new (std::nothrow) Instance);
  if (instance == nullptr) return nullptr;
  const fmi3Status made = call(instance.get(), [&](Instance& it) {
    it.environment = environment;
    it.log = log;
    it.intermediate_update = intermediate_update;
    it.early_return_allowed = early_return_allowed;
    it.name = name != nullptr ? name : "";
    if (event_mode_used) throw heatbath::Error(HB_UNSUPPORTED, "this unit has no Event Mode");
    it.unit = std::make_unique<ChipUnit>(resource_path != nullptr ? resource_path : "", token != nullptr ? token : "");
  });
  return made == fmi3OK ? instance.release() : nullptr;
}

FMI3_EXPORT fmi3Instance fmi3InstantiateModelExchange(fmi3String name, fmi3String, fmi3String, fmi3Boolean, fmi3Boolean,
                                                      fmi3InstanceEnvironment environment, fmi3LogMessageCallback log) {
  Instance it;
  it.name = name != nullptr ? name : "";
  it.environment = environment, it.log = log;
  it.fail("this unit is for co-simulation, not for model exchange");
  return nullptr;
}

FMI3_EXPORT fmi3Instance fmi3InstantiateScheduledExecution(fmi3String name, fmi3String, fmi3String, fmi3Boolean,
                                                           fmi3Boolean, fmi3InstanceEnvironment environment,
                                                           fmi3LogMessageCallback log, fmi3ClockUpdateCallback,
                                                           fmi3LockPreemptionCallback, fmi3UnlockPreemptionCallback) {
  Instance it;
  it.name = name != nullptr ? name : "";
  it.environment = environment, it.log = log;
  it.fail("this unit is for co-simulation, not for scheduled execution");
  return nullptr;
}

FMI3_EXPORT void fmi3FreeInstance(fmi3Instance handle) { delete static_cast<Instance*>(handle); }

// -- modes ------------------------------------------------------------------------------------------------------------

FMI3_EXPORT fmi3Status fmi3EnterInitializationMode(fmi3Instance handle, fmi3Boolean, fmi3Float64, fmi3Float64 start_time,
                                                   fmi3Boolean stop_time_defined, fmi3Float64 stop_time) {
  return call(handle, [&](Instance& it) {
    if (stop_time_defined && !(stop_time > start_time))
      throw heatbath::Error(HB_BAD_ARG, "fmi3EnterInitializationMode: the stop time is not after the start time");
    it.unit->enter_initialization(start_time);
  });
}
FMI3_EXPORT fmi3Status fmi3ExitInitializationMode(fmi3Instance handle) {
  return call(handle, [](Instance& it) { it.unit->exit_initialization(); });
}
FMI3_EXPORT fmi3Status fmi3EnterConfigurationMode(fmi3Instance handle) {
  return call(handle, [](Instance& it) { it.unit->enter_configuration(); });
}
FMI3_EXPORT fmi3Status fmi3ExitConfigurationMode(fmi3Instance handle) {
  return call(handle, [](Instance& it) { it.unit->exit_configuration(); });
}
FMI3_EXPORT fmi3Status fmi3Terminate(fmi3Instance handle) {
  return call(handle, [](Instance& it) { it.unit->terminate(); });
}
FMI3_EXPORT fmi3Status fmi3Reset(fmi3Instance handle) {
  return call(handle, [](Instance& it) { it.unit->reset(); });
}

FMI3_EXPORT fmi3Status fmi3DoStep(fmi3Instance handle, fmi3Float64 point, fmi3Float64 size, fmi3Boolean,
                                  fmi3Boolean* event_handling_needed, fmi3Boolean* terminate, fmi3Boolean* early_return,
                                  fmi3Float64* last_successful_time) {
  return call(handle, [&](Instance& it) {
    if (event_handling_needed == nullptr || terminate == nullptr || early_return == nullptr ||
        last_successful_time == nullptr)
      throw heatbath::Error(HB_BAD_ARG, "fmi3DoStep: a pointer to a result is null");
    *event_handling_needed = *terminate = *early_return = false;
    heatbath::apps::fmi::IntermediateUpdate update;
    bool early = false;
    if (it.intermediate_update != nullptr)
      update = [&](double seconds) {
        bool wanted = false;
        double when = seconds;
        it.intermediate_update(it.environment, seconds, false, true, true, it.early_return_allowed, &wanted, &when);
        if (!it.early_return_allowed || !wanted) return -1.0;
        early = true;
        return std::max(when, 0.0);
      };
    try {
      *last_successful_time = it.unit->step(point, size, update);
    } catch (...) {
      *last_successful_time = it.unit->state().time();
      throw;
    }
    *early_return = early && *last_successful_time < point + size;
  });
}

// -- variables --------------------------------------------------------------------------------------------------------

#define FMI3_GET_AND_SET(Name, Value, type)                                                                            \
  FMI3_EXPORT fmi3Status fmi3Get##Name(fmi3Instance handle, const fmi3ValueReference* references, std::size_t count,    \
                                       Value* values, std::size_t values_count) {                                      \
    return get(handle, type, references, count, values, values_count);                                                 \
  }                                                                                                                    \
  FMI3_EXPORT fmi3Status fmi3Set##Name(fmi3Instance handle, const fmi3ValueReference* references, std::size_t count,    \
                                       const Value* values, std::size_t values_count) {                                \
    return set(handle, type, references, count, values, values_count);                                                 \
  }
FMI3_GET_AND_SET(Float64, fmi3Float64, Type::float64)
FMI3_GET_AND_SET(UInt64, fmi3UInt64, Type::uint64)
FMI3_GET_AND_SET(Boolean, fmi3Boolean, Type::boolean)

// Types of which the unit has no variable: every reference is wrong.
#define FMI3_GET_AND_SET_NONE(Name, Value)                                                                             \
  FMI3_EXPORT fmi3Status fmi3Get##Name(fmi3Instance handle, const fmi3ValueReference*, std::size_t, Value*,             \
                                       std::size_t) {                                                                  \
    return unsupported(handle, "fmi3Get" #Name);                                                                       \
  }                                                                                                                    \
  FMI3_EXPORT fmi3Status fmi3Set##Name(fmi3Instance handle, const fmi3ValueReference*, std::size_t, const Value*,       \
                                       std::size_t) {                                                                  \
    return unsupported(handle, "fmi3Set" #Name);                                                                       \
  }
FMI3_GET_AND_SET_NONE(Float32, fmi3Float32)
FMI3_GET_AND_SET_NONE(Int8, fmi3Int8)
FMI3_GET_AND_SET_NONE(UInt8, fmi3UInt8)
FMI3_GET_AND_SET_NONE(Int16, fmi3Int16)
FMI3_GET_AND_SET_NONE(UInt16, fmi3UInt16)
FMI3_GET_AND_SET_NONE(Int32, fmi3Int32)
FMI3_GET_AND_SET_NONE(UInt32, fmi3UInt32)
FMI3_GET_AND_SET_NONE(Int64, fmi3Int64)
FMI3_GET_AND_SET_NONE(String, fmi3String)

// -- states -----------------------------------------------------------------------------------------------------------

FMI3_EXPORT fmi3Status fmi3GetFMUState(fmi3Instance handle, fmi3FMUState* state) {
  return call(handle, [&](Instance& it) {
    if (state == nullptr) throw heatbath::Error(HB_BAD_ARG, "fmi3GetFMUState: the pointer is null");
    it.give(state, it.unit->state(), "fmi3GetFMUState");
  });
}
FMI3_EXPORT fmi3Status fmi3SetFMUState(fmi3Instance handle, fmi3FMUState state) {
  return call(handle, [&](Instance& it) {
    if (state == nullptr) throw heatbath::Error(HB_BAD_ARG, "fmi3SetFMUState: the state is null");
    it.unit->set_state(it.known(state, "fmi3SetFMUState"));
  });
}
FMI3_EXPORT fmi3Status fmi3FreeFMUState(fmi3Instance handle, fmi3FMUState* state) {
  return call(handle, [&](Instance& it) {
    if (state == nullptr || *state == nullptr) return;
    it.known(*state, "fmi3FreeFMUState");
    it.states.erase(*state);
    *state = nullptr;
  });
}
FMI3_EXPORT fmi3Status fmi3SerializedFMUStateSize(fmi3Instance handle, fmi3FMUState state, std::size_t* size) {
  return call(handle, [&](Instance& it) {
    if (state == nullptr || size == nullptr)
      throw heatbath::Error(HB_BAD_ARG, "fmi3SerializedFMUStateSize: a pointer is null");
    *size = it.known(state, "fmi3SerializedFMUStateSize").bytes(it.unit->token()).size();
  });
}
FMI3_EXPORT fmi3Status fmi3SerializeFMUState(fmi3Instance handle, fmi3FMUState state, fmi3Byte* bytes, std::size_t size) {
  return call(handle, [&](Instance& it) {
    if (state == nullptr || bytes == nullptr)
      throw heatbath::Error(HB_BAD_ARG, "fmi3SerializeFMUState: a pointer is null");
    const std::vector<std::uint8_t> all = it.known(state, "fmi3SerializeFMUState").bytes(it.unit->token());
    if (size < all.size())
      throw heatbath::Error(HB_BAD_ARG, "fmi3SerializeFMUState: " + std::to_string(size) + " bytes for a state of " +
                                            std::to_string(all.size()));
    std::memcpy(bytes, all.data(), all.size());
  });
}
FMI3_EXPORT fmi3Status fmi3DeserializeFMUState(fmi3Instance handle, const fmi3Byte* bytes, std::size_t size,
                                               fmi3FMUState* state) {
  return call(handle, [&](Instance& it) {
    if (state == nullptr || bytes == nullptr)
      throw heatbath::Error(HB_BAD_ARG, "fmi3DeserializeFMUState: a pointer is null");
    it.give(state, UnitState::from_bytes({bytes, size}, it.unit->token()), "fmi3DeserializeFMUState");
  });
}

// -- what the unit has not: it advertises none of these ---------------------------------------------------------------

#define FMI3_UNSUPPORTED(Name, ...) \
  FMI3_EXPORT fmi3Status Name(fmi3Instance handle __VA_OPT__(, ) __VA_ARGS__) { return unsupported(handle, #Name); }
using References = const fmi3ValueReference*;
FMI3_UNSUPPORTED(fmi3GetBinary, References, std::size_t, std::size_t*, fmi3Binary*, std::size_t)
FMI3_UNSUPPORTED(fmi3SetBinary, References, std::size_t, const std::size_t*, const fmi3Binary*, std::size_t)
FMI3_UNSUPPORTED(fmi3GetClock, References, std::size_t, fmi3Clock*)
FMI3_UNSUPPORTED(fmi3SetClock, References, std::size_t, const fmi3Clock*)
FMI3_UNSUPPORTED(fmi3GetNumberOfVariableDependencies, fmi3ValueReference, std::size_t*)
FMI3_UNSUPPORTED(fmi3GetVariableDependencies, fmi3ValueReference, std::size_t*, fmi3ValueReference*, std::size_t*,
                 fmi3DependencyKind*, std::size_t)
FMI3_UNSUPPORTED(fmi3GetDirectionalDerivative, References, std::size_t, References, std::size_t, const fmi3Float64*,
                 std::size_t, fmi3Float64*, std::size_t)
FMI3_UNSUPPORTED(fmi3GetAdjointDerivative, References, std::size_t, References, std::size_t, const fmi3Float64*,
                 std::size_t, fmi3Float64*, std::size_t)
FMI3_UNSUPPORTED(fmi3EnterEventMode)
FMI3_UNSUPPORTED(fmi3EnterStepMode)
FMI3_UNSUPPORTED(fmi3GetIntervalDecimal, References, std::size_t, fmi3Float64*, fmi3IntervalQualifier*)
FMI3_UNSUPPORTED(fmi3GetIntervalFraction, References, std::size_t, fmi3UInt64*, fmi3UInt64*, fmi3IntervalQualifier*)
FMI3_UNSUPPORTED(fmi3GetShiftDecimal, References, std::size_t, fmi3Float64*)
FMI3_UNSUPPORTED(fmi3GetShiftFraction, References, std::size_t, fmi3UInt64*, fmi3UInt64*)
FMI3_UNSUPPORTED(fmi3SetIntervalDecimal, References, std::size_t, const fmi3Float64*)
FMI3_UNSUPPORTED(fmi3SetIntervalFraction, References, std::size_t, const fmi3UInt64*, const fmi3UInt64*)
FMI3_UNSUPPORTED(fmi3SetShiftDecimal, References, std::size_t, const fmi3Float64*)
FMI3_UNSUPPORTED(fmi3SetShiftFraction, References, std::size_t, const fmi3UInt64*, const fmi3UInt64*)
FMI3_UNSUPPORTED(fmi3EvaluateDiscreteStates)
FMI3_UNSUPPORTED(fmi3UpdateDiscreteStates, fmi3Boolean*, fmi3Boolean*, fmi3Boolean*, fmi3Boolean*, fmi3Boolean*,
                 fmi3Float64*)
FMI3_UNSUPPORTED(fmi3EnterContinuousTimeMode)
FMI3_UNSUPPORTED(fmi3CompletedIntegratorStep, fmi3Boolean, fmi3Boolean*, fmi3Boolean*)
FMI3_UNSUPPORTED(fmi3SetTime, fmi3Float64)
FMI3_UNSUPPORTED(fmi3SetContinuousStates, const fmi3Float64*, std::size_t)
FMI3_UNSUPPORTED(fmi3GetContinuousStateDerivatives, fmi3Float64*, std::size_t)
FMI3_UNSUPPORTED(fmi3GetEventIndicators, fmi3Float64*, std::size_t)
FMI3_UNSUPPORTED(fmi3GetContinuousStates, fmi3Float64*, std::size_t)
FMI3_UNSUPPORTED(fmi3GetNominalsOfContinuousStates, fmi3Float64*, std::size_t)
FMI3_UNSUPPORTED(fmi3GetNumberOfEventIndicators, std::size_t*)
FMI3_UNSUPPORTED(fmi3GetNumberOfContinuousStates, std::size_t*)
FMI3_UNSUPPORTED(fmi3GetOutputDerivatives, References, std::size_t, const fmi3Int32*, fmi3Float64*, std::size_t)
FMI3_UNSUPPORTED(fmi3ActivateModelPartition, fmi3ValueReference, fmi3Float64)

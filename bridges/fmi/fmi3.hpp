#pragma once
// The C interface of FMI 3.0 (Modelica Association, Functional Mock-up Interface Specification 3.0, section 2.2 and
// chapter 4), as far as a co-simulation FMU and its importer need types; written from the standard.

#include <cstddef>
#include <cstdint>

extern "C" {

using fmi3Instance = void*;
using fmi3InstanceEnvironment = void*;
using fmi3FMUState = void*;
using fmi3ValueReference = std::uint32_t;
using fmi3Float32 = float;
using fmi3Float64 = double;
using fmi3Int8 = std::int8_t;
using fmi3UInt8 = std::uint8_t;
using fmi3Int16 = std::int16_t;
using fmi3UInt16 = std::uint16_t;
using fmi3Int32 = std::int32_t;
using fmi3UInt32 = std::uint32_t;
using fmi3Int64 = std::int64_t;
using fmi3UInt64 = std::uint64_t;
using fmi3Boolean = bool;
using fmi3Char = char;
using fmi3String = const fmi3Char*;
using fmi3Byte = std::uint8_t;
using fmi3Binary = const fmi3Byte*;
using fmi3Clock = bool;

enum fmi3Status { fmi3OK, fmi3Warning, fmi3Discard, fmi3Error, fmi3Fatal };
enum fmi3DependencyKind { fmi3Independent, fmi3Constant, fmi3Fixed, fmi3Tunable, fmi3Discrete, fmi3Dependent };
enum fmi3IntervalQualifier { fmi3IntervalNotYetKnown, fmi3IntervalUnchanged, fmi3IntervalChanged };

using fmi3LogMessageCallback = void (*)(fmi3InstanceEnvironment environment, fmi3Status status, fmi3String category,
                                        fmi3String message);
using fmi3ClockUpdateCallback = void (*)(fmi3InstanceEnvironment environment);
using fmi3LockPreemptionCallback = void (*)();
using fmi3UnlockPreemptionCallback = void (*)();
using fmi3IntermediateUpdateCallback = void (*)(fmi3InstanceEnvironment environment, fmi3Float64 time,
                                                fmi3Boolean set_requested, fmi3Boolean get_allowed,
                                                fmi3Boolean step_finished, fmi3Boolean can_return_early,
                                                fmi3Boolean* early_return_requested, fmi3Float64* early_return_time);

}  // extern "C"

// Signatures of the functions that more than one side writes down: the FMU defines them, an importer looks them up.
using fmi3InstantiateCoSimulationType = fmi3Instance(fmi3String name, fmi3String token, fmi3String resource_path,
                                                     fmi3Boolean visible, fmi3Boolean logging_on,
                                                     fmi3Boolean event_mode_used, fmi3Boolean early_return_allowed,
                                                     const fmi3ValueReference* required_intermediate, std::size_t required,
                                                     fmi3InstanceEnvironment environment, fmi3LogMessageCallback log,
                                                     fmi3IntermediateUpdateCallback intermediate_update);
using fmi3EnterInitializationModeType = fmi3Status(fmi3Instance instance, fmi3Boolean tolerance_defined,
                                                   fmi3Float64 tolerance, fmi3Float64 start_time,
                                                   fmi3Boolean stop_time_defined, fmi3Float64 stop_time);
using fmi3ModeType = fmi3Status(fmi3Instance instance);  ///< functions that take the instance alone
using fmi3FreeInstanceType = void(fmi3Instance instance);
using fmi3DoStepType = fmi3Status(fmi3Instance instance, fmi3Float64 point, fmi3Float64 size,
                                  fmi3Boolean no_set_state_prior, fmi3Boolean* event_handling_needed,
                                  fmi3Boolean* terminate, fmi3Boolean* early_return, fmi3Float64* last_successful_time);
template <class Value>
using fmi3GetType = fmi3Status(fmi3Instance instance, const fmi3ValueReference* references, std::size_t count,
                               Value* values, std::size_t values_count);
template <class Value>
using fmi3SetType = fmi3Status(fmi3Instance instance, const fmi3ValueReference* references, std::size_t count,
                               const Value* values, std::size_t values_count);
using fmi3StateType = fmi3Status(fmi3Instance instance, fmi3FMUState* state);  ///< GetFMUState, FreeFMUState
using fmi3SetFMUStateType = fmi3Status(fmi3Instance instance, fmi3FMUState state);
using fmi3SerializedFMUStateSizeType = fmi3Status(fmi3Instance instance, fmi3FMUState state, std::size_t* size);
using fmi3SerializeFMUStateType = fmi3Status(fmi3Instance instance, fmi3FMUState state, fmi3Byte* bytes,
                                             std::size_t size);
using fmi3DeserializeFMUStateType = fmi3Status(fmi3Instance instance, const fmi3Byte* bytes, std::size_t size,
                                               fmi3FMUState* state);

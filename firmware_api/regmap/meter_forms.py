"""The meters for C, for C++ hosts, for the physics and as a table of the page."""

from cell_forms import CREDIT, flag, wrapped
from register_source import METER_UNITS


def in_record(meters):
    """Those of every snapshot: the members of hb_meters_t."""
    return [row for row in meters if not row.flag]


def c_header(registers):
    meters = registers.lists["meter"]
    values = ",\n".join(f"  HB_METER_{row.name} = {row.value}" for row in meters)
    members = "\n".join(f"  {f'{METER_UNITS[row.unit]} {row.text};':<20} /* {row.doc} */" for row in in_record(meters))
    flags = "\n".join(f"#define HB_FLAG_{row.name} {row.flag}u" for row in meters if row.flag)
    total = sum(row.flag for row in meters)
    size = 8 * len(in_record(meters))
    return f"""/* What METER_SNAPSHOT writes (heatbath/program.h).
 * {CREDIT} */
#ifndef HEATBATH_METERS_H
#define HEATBATH_METERS_H

#include <stdbool.h>
#include <stdint.h>

#include "heatbath/capabilities.h"

#ifdef __cplusplus
extern "C" {{
#endif

/* How many meters there are: their numbers are 0 .. count - 1. */
#define HB_METERS {len(meters)}u

/* Numbers of the meters. */
typedef enum hb_meter {{
{values}
}} hb_meter_t;

/* Flags of METER_SNAPSHOT, each for the meter of its name; and all of them. */
{flags}
#define HB_METER_FLAGS 0x{total:X}u

/* Meters of one lane, since METER_CLEAR (or START), in energy units: what every snapshot holds. dE = work - heat. E is
 * the energy of the cell kind, kinetic part included. Where forces have no potential (couplings that are not reciprocal,
 * or frequencies), V has the symmetric part of the couplings only, heat is heat_path, minus the sum of the forces times
 * the displacements, work is dE + heat, and work_shadow is 0. */
typedef struct hb_meters {{
{members}
}} hb_meters_t;

/* What is true of a meter. */
typedef struct hb_meter_facts {{
  const char *name; /* "heat_path" */
  uint32_t flag;    /* of METER_SNAPSHOT; 0: a member of hb_meters_t */
  uint32_t needs;   /* bit of CAPS */
  bool per_cell;    /* a value per lane and active cell */
  bool counts;      /* values are uint64_t; else double, in energy units */
  int32_t sums;     /* the meter of cells whose sum it is; -1: none */
}} hb_meter_facts_t;

/* A row per meter, in the order of their numbers. */
extern const hb_meter_facts_t hb_meter_list[HB_METERS];

/* True when a device with these capabilities has the meter. */
bool hb_has_meter(const hb_capabilities_t *capabilities, hb_meter_t meter);

/* Bytes of a snapshot: hb_meters_t of all lanes, then, for each meter that `flags` ask for, in the order of their
 * numbers, its values of 8 bytes: one per lane, or lanes x active cells. */
uint64_t hb_snapshot_bytes(uint32_t flags, uint32_t lanes, uint32_t cells);

/* Where in a snapshot the values of a meter that `flags` ask for begin. */
uint64_t hb_snapshot_offset(hb_meter_t meter, uint32_t flags, uint32_t lanes, uint32_t cells);

#ifdef __cplusplus
}}
static_assert(sizeof(hb_meters_t) == {size}, "meter format");
#else
_Static_assert(sizeof(hb_meters_t) == {size}, "meter format");
#endif
#endif
"""


def c_source(registers):
    meters = registers.lists["meter"]
    values = {row.name: row.value for row in meters}
    of_bit = {c.field.name: c.c for c in registers.capabilities if c.flag}
    rows = "\n".join(f'    {{"{row.text}", {row.flag}u, HB_CAPS_{row.needs}_MASK, {flag(row.per_cell)}, '
                     f"{flag(row.unit != 'energy')}, {values[row.sums] if row.sums else -1}}}," for row in meters)
    cases = "\n".join(f"    case HB_METER_{row.name}: return capabilities->{of_bit[row.needs]};" for row in meters)
    return f"""/* {CREDIT} */
#include "heatbath/meters.h"

#include "heatbath/regs.h"

const hb_meter_facts_t hb_meter_list[HB_METERS] = {{
{rows}
}};

bool hb_has_meter(const hb_capabilities_t *capabilities, hb_meter_t meter) {{
  switch (meter) {{
{cases}
  }}
  return false;
}}

/* Bytes of the records and of the meters before `end`. */
static uint64_t bytes_before(uint32_t end, uint32_t flags, uint32_t lanes, uint32_t cells) {{
  uint64_t values = 0; /* per lane */
  for (uint32_t meter = 0; meter < end; ++meter)
    if ((flags & hb_meter_list[meter].flag) != 0) values += hb_meter_list[meter].per_cell ? cells : 1u;
  return lanes * (sizeof(hb_meters_t) + 8u * values);
}}

uint64_t hb_snapshot_bytes(uint32_t flags, uint32_t lanes, uint32_t cells) {{
  return bytes_before(HB_METERS, flags, lanes, cells);
}}

uint64_t hb_snapshot_offset(hb_meter_t meter, uint32_t flags, uint32_t lanes, uint32_t cells) {{
  return bytes_before((uint32_t)meter, flags, lanes, cells);
}}
"""


def host_header(registers):
    meters = registers.lists["meter"]
    host = {c.field.name: c.host for c in registers.capabilities if c.flag}
    width = max([len(f"{row.cpp} = HB_METER_{row.name},") for row in meters], default=0)
    values = "\n".join(f"  {f'{row.cpp} = HB_METER_{row.name},':<{width}}  ///< {row.doc}" for row in meters)
    rows = "\n".join(
        f'    {{Meter::{row.cpp}, "{row.text}", "{row.needs}", &CapabilityFields::{host[row.needs]}, MeterUnit::{row.unit}, '
        f"{flag(row.per_cell)},\n     {row.flag}u, {f'&hb_meters_t::{row.text}' if not row.flag and row.unit == 'energy' else 'nullptr'}}},"
        for row in meters)
    return f"""#pragma once
// The meters of a snapshot (Program::meter_snapshot).
// {CREDIT}

#include <cstdint>

#include "heatbath/capability_fields.hpp"
#include "heatbath/meters.h"

namespace heatbath {{

/// What a device counts of each shot.
enum class Meter : std::uint8_t {{
{values}
}};

/// Of a meter.
enum class MeterUnit : std::uint8_t {{ energy, count, ticks }};

/// What is true of a meter.
struct MeterFacts {{
  Meter meter;                       ///< which one
  const char* name;                  ///< "heat_path"
  const char* needs;                 ///< the bit of CAPS without which a device lacks it
  bool CapabilityFields::* present;  ///< the same as a member
  MeterUnit unit;
  bool per_cell;                      ///< a value per shot and cell
  std::uint32_t flag;                 ///< of METER_SNAPSHOT; 0: in every snapshot
  double hb_meters_t::* in_record;    ///< an energy of every snapshot; else null
}};

/// A row per meter, in the order of their numbers.
inline constexpr MeterFacts meter_list[] = {{
{rows}
}};

/// What is true of a meter, and its name.
inline const MeterFacts& facts(Meter meter) {{ return meter_list[static_cast<std::size_t>(meter)]; }}
inline const char* name(Meter meter) {{ return facts(meter).name; }}

}}  // namespace heatbath
"""


def docs_table(registers):
    meters = registers.lists["meter"]
    return ["", "## Meters", "",
            "`METER_SNAPSHOT` writes `hb_meters_t` of every lane, 8 bytes each for the meters without a flag; behind them, in "
            "this order, the meters that its flags ask for: one value of 8 bytes per lane, or lanes x active cells. Energies "
            "are float64, counts and ticks 64-bit integers.",
            "", "| meter | flag | needs | unit | meaning |", "|---|---|---|---|---|",
            *(f"| `{row.text}` | {f'`HB_FLAG_{row.name}`, {row.flag}' if row.flag else ''} | `CAPS.{row.needs}` | {row.unit} | "
              f"{docs_escape(row.doc)} |" for row in meters)]


def docs_escape(text):
    for letter in "|*<[]":
        text = text.replace(letter, "\\" + letter)
    return text

"""The capabilities: the structs and readers of C and C++, the features of a chip profile, the words that a chip shows."""

from cell_forms import CREDIT, wrapped


def documented(capability, member, comment, later, end):
    """A member with its doc, beside it where both fit on a line, else above it."""
    line = f"  {member}"
    beside = f"{line:<36} {comment} {capability.doc}{end}"
    return beside if len(beside) <= 118 else wrapped(f"  {comment}", capability.doc, f"  {later}", end) + f"\n{line}"


def c_header(registers):
    members = "\n".join(documented(c, f"{c.c_type} {c.c};", "/*", " *", " */") for c in registers.capabilities)
    return f"""/* What a device can do: its capability registers, decoded. Energies in energy units, enumerators as in heatbath/regs.h.
 * {CREDIT} */
#ifndef HEATBATH_CAPABILITIES_H
#define HEATBATH_CAPABILITIES_H

#include <stdbool.h>
#include <stdint.h>

#include "heatbath/cells.h"

#ifdef __cplusplus
extern "C" {{
#endif

/* What a device can do, as its capability registers say: read by hb_dif_capability_get. */
typedef struct hb_capabilities {{
{members}
}} hb_capabilities_t;

/* Full scale of a parameter section that lies in device memory; of couplings for a section that does not. */
float hb_section_range(const hb_capabilities_t *capabilities, hb_section_t section);

#ifdef __cplusplus
}}
#endif
#endif
"""


def field_value(word, capability):
    return f"({word} & HB_{capability.register.name}_{capability.field.name}_MASK) >> " \
           f"HB_{capability.register.name}_{capability.field.name}_SHIFT"


def c_reader(registers):
    out = [f"""/* {CREDIT} */
#include "capability_reader.h"

#include "heatbath/dif_time.h"
#include "registers.h"

/* The float32 with these bits. */
static float float_of(uint32_t bits) {{
  const union {{
    uint32_t bits;
    float value;
  }} cast = {{.bits = bits}};
  return cast.value;
}}

/* Finite, and not negative; false for a NaN. */
static bool is_magnitude(float value) {{ return value >= 0.0f && value <= 3.402823466e38f; }}

hb_status_t hb_capability_read(const hb_mmio_t *mmio, hb_capabilities_t *caps) {{"""]
    for register in registers.registers:
        rows = register.capabilities
        if not rows:
            continue
        word = f"hb_read(mmio, HB_{register.name}_OFFSET)"
        if rows[0].field:
            local = f"{register.name.lower()}_word"
            out.append(f"  const uint32_t {local} = {word};")
            for c in rows:
                out.append(f"  caps->{c.c} = ({field_value(local, c)}) != 0;" if c.c_type == "bool"
                           else f"  caps->{c.c} = {field_value(local, c)};")
        elif rows[0].wide:
            stem = register.name.removesuffix("_LO")
            out += [f"  const hb_status_t {stem.lower()} = hb_dif_read64(mmio, HB_{stem}_LO_OFFSET, HB_{stem}_HI_OFFSET,",
                    f"                                                 &caps->{rows[0].c});",
                    f"  if ({stem.lower()} != HB_OK) return {stem.lower()};"]
        else:
            c = rows[0]
            value = f"float_of({word})" if c.type == "float" else word
            zero = "0.0f" if c.type == "float" else "0u"
            out.append(f"  caps->{c.c} = caps->{c.needs.lower()} ? {value} : {zero};" if c.needs
                       else f"  caps->{c.c} = {value};")
        out += [f"  if (caps->{c.c} == 0) caps->{c.c} = {c.zero};" for c in rows if c.zero not in (None, "refused")]
    out.append("")
    out += [f"  if (caps->{c.c} == 0) return HB_DEVICE;" for c in registers.capabilities if c.zero == "refused"]
    out += [f"  if (!is_magnitude(caps->{c.c})) return HB_DEVICE;" for c in registers.capabilities if c.type == "float"]
    c_of = {c.register.name: c.c for c in registers.capabilities}
    out += ["  return HB_OK;", "}", "", "float hb_section_range(const hb_capabilities_t *caps, hb_section_t section) {",
            "  switch (section) {",
            *(f"    case HB_SECTION_{row.name}: return caps->{c_of[row.range]};" if row.range
              else f"    case HB_SECTION_{row.name}: break;" for row in registers.lists["section"]),
            "  }"]
    if "CAPS_RANGE_COUPLING" in c_of:
        out += [f"  return caps->{c_of['CAPS_RANGE_COUPLING']};"]
    else:
        out += ["  (void)caps;", "  return 0;"]
    return "\n".join(out + ["}", ""])


def shown(registers):
    return [c for c in registers.capabilities if c.host]


def host_header(registers):
    zeros = {"bool": "false", "float": "0", "std::uint32_t": "0", "std::uint64_t": "0", "Number": "Number::float32",
             "CellKind": "CellKind::overdamped", "Topology": "Topology::dense", "Stepper": "Stepper::none"}
    members = "\n".join(host_member(c, zeros) for c in shown(registers))
    return f"""#pragma once
// The capability registers of a device as they are: the part of heatbath::Capabilities that is read word by word.
// {CREDIT}

#include <cstdint>
#include <span>

#include "heatbath/cell_enums.hpp"
#include "heatbath/number.hpp"
#include "heatbath/ticks.hpp"

namespace heatbath {{

/// Ranges are symmetric ([-range, range]) unless said otherwise; energies in device energy units.
struct CapabilityFields {{
{members}
}};

/// A capability by its name.
struct NamedCapability {{
  /// Of its values.
  enum class Kind : std::uint8_t {{ flag, integer, real }};
  const char* name;   ///< of the member
  const char* group;  ///< in the JSON of a device: "features", "size", …; "" where it is not in it by itself
  const char* key;    ///< in its group
  Kind kind;
  double (*value)(const CapabilityFields&);
}};

/// Every capability, in the order of the registers.
std::span<const NamedCapability> capability_list();

/// Full scale of a parameter section that lies in device memory; couplings for a section that does not.
float section_range(const CapabilityFields& of, hb_section_t section);

/// Values that a cell has in a section: `states` in those that are per state, which is 1 of most kinds.
inline std::uint32_t values_per_cell(const CapabilityFields& of, hb_section_t section) {{
  return hb_section_is_per_state(section) ? of.states : 1;
}}

/// Whether operands that were encoded for one device hold the same values on the other.
bool same_encoding(const CapabilityFields& a, const CapabilityFields& b);

}}  // namespace heatbath
"""


def host_member(c, zeros):
    zero = zeros.get(c.type) if c.zero in (None, "refused") else c.zero
    line = f"  {c.type} {c.host}" + (f" = {zero};" if zero else ";")
    beside = f"{line:<44}  ///< {c.doc}"
    return beside if len(beside) <= 118 else wrapped("  ///", c.doc, "  /// ") + f"\n{line}"


def host_value(c):
    value = f"raw.{c.c}"
    if c.type == "Ticks":
        return f"{{{value}}}"
    if c.type == "bool" and not c.flag:
        return f"{value} == 1u"
    return value if c.type in ("bool", "float", "std::uint32_t", "std::uint64_t") else f"static_cast<{c.type}>({value})"


def host_source(registers):
    rows = []
    for c in shown(registers):
        group, key = c.info.split(".") if c.info else ("", "")
        kind = {"bool": "flag", "float": "real"}.get(c.type, "integer")
        value = f"of.{c.host}" + (".count" if c.type == "Ticks" else "")
        rows.append(f'    {{"{c.host}", "{group}", "{key}", NamedCapability::Kind::{kind},\n'
                    f"     [](const CapabilityFields& of) {{ return static_cast<double>({value}); }}}},")
    reads = "\n".join(f"  caps.{c.host} = {host_value(c)};" for c in shown(registers))
    same = " &&\n         ".join(f"a.{c.host} == b.{c.host}" for c in shown(registers) if c.encoding) or "true"
    list_rows = "\n".join(rows)
    host_of = {c.register.name: c.host for c in registers.capabilities}
    ranges = "\n".join(f"    case HB_SECTION_{row.name}: return of.{host_of[row.range]};" if row.range
                       else f"    case HB_SECTION_{row.name}: break;" for row in registers.lists["section"])
    return f"""// {CREDIT}
#include "capability_fields.hpp"

namespace heatbath {{

CapabilityFields capability_fields(const hb_capabilities_t& raw) {{
  CapabilityFields caps;
{reads}
  return caps;
}}

std::span<const NamedCapability> capability_list() {{
  static constexpr NamedCapability list[] = {{
{list_rows}
  }};
  return list;
}}

float section_range(const CapabilityFields& of, hb_section_t section) {{
  switch (section) {{
{ranges}
  }}
  return of.range_coupling;
}}

bool same_encoding(const CapabilityFields& a, const CapabilityFields& b) {{
  return {same};
}}

}}  // namespace heatbath
"""


def features(registers):
    return [c for c in registers.capabilities if c.feature is not None]


def profile_header(registers):
    members = "\n".join(host_member(c, {"bool": "true" if c.feature else "false"}) for c in features(registers))
    return f"""#pragma once
// [features] of a chip profile: bits of the CAPS register that a chip may have or lack.
// {CREDIT}

namespace heatbath::model {{

/// What a profile has where it does not say.
struct ProfileFeatures {{
{members}
}};

/// A key of the table.
struct FeatureKey {{
  const char* name;
  bool ProfileFeatures::* member;
}};

inline constexpr FeatureKey feature_keys[] = {{
{chr(10).join(f'    {{"{c.host}", &ProfileFeatures::{c.host}}},' for c in features(registers))}
}};

}}  // namespace heatbath::model
"""


def chip_words(registers):
    out = [f"""// {CREDIT}
#include "hw_model/device/profile_registers.hpp"

#include <bit>
#include <cstdint>

#include "heatbath/regs.h"

namespace heatbath::model {{
namespace {{

std::uint32_t word(float value) {{ return std::bit_cast<std::uint32_t>(value); }}
template <class Value>
std::uint32_t word(Value value) {{
  return static_cast<std::uint32_t>(value);
}}

}}  // namespace

void set_profile_registers(const Profile& p, RegisterFile& registers) {{"""]
    for r in registers.registers:
        offset = f"HB_{r.name}_OFFSET"
        fields = [f for f in r.fields if f.chip]
        if fields:
            parts = " |\n                                 ".join(
                f"word(p.{f.chip}) << HB_{r.name}_{f.name}_SHIFT" for f in fields)
            out.append(f"  registers.set({offset}, {parts});")
        elif r.chip and r.name.endswith("_LO"):
            out += [f"  registers.set({offset}, word(p.{r.chip}));",
                    f"  registers.set(HB_{r.name.removesuffix('_LO')}_HI_OFFSET, word(p.{r.chip} >> 32));"]
        elif r.chip:
            out.append(f"  registers.set({offset}, word(p.{r.chip}));")
    chip_of = {r.name: r.chip for r in registers.registers}
    out += ["}", "", "SectionRange section_range(const Profile& p, hb_section_t section) {", "  switch (section) {"]
    out += [f"    case HB_SECTION_{row.name}: return {{p.{chip_of[row.range]}, {'false' if row.low == '-range' else 'true'}}};"
            if row.range else f"    case HB_SECTION_{row.name}: break;" for row in registers.lists["section"]]
    return "\n".join(out + ["  }", "  return {p.range_coupling, false};", "}", "", "}  // namespace heatbath::model", ""])

"""fmu_description_test.py HEATBATH SOURCE: a unit that the command writes obeys the rules of FMI 3.0.

Checked are the layout of the zip (section 2.5.1 of the standard) and the model description (2.4): order and names of
elements, required attributes, value references and names that are unique, causality and variability that go together,
start values that must and must not be there and fit their type and size, dimensions, units, and the model structure. The
checker is itself checked: it must find each of a list of mistakes.
"""
import copy
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml
import zipfile

heatbath, source = sys.argv[1], pathlib.Path(sys.argv[2])

ROOT_ORDER = ["ModelExchange", "CoSimulation", "ScheduledExecution", "UnitDefinitions", "TypeDefinitions",
              "LogCategories", "DefaultExperiment", "ModelVariables", "ModelStructure", "Annotations"]
FLOATS, INTEGERS = {"Float32", "Float64"}, {f"{u}Int{n}" for u in ("", "U") for n in (8, 16, 32, 64)}
TYPES = FLOATS | INTEGERS | {"Boolean", "Binary", "String", "Clock", "Enumeration"}
VARIABILITY = {"parameter": {"fixed", "tunable"}, "structuralParameter": {"fixed", "tunable"},
               "calculatedParameter": {"fixed", "tunable"}, "input": {"discrete", "continuous"},
               "output": {"constant", "discrete", "continuous"}, "independent": {"continuous"},
               "local": {"constant", "fixed", "tunable", "discrete", "continuous"}}
CAPABILITIES = {"modelIdentifier", "needsExecutionTool", "canBeInstantiatedOnlyOncePerProcess", "canGetAndSetFMUState",
                "canSerializeFMUState", "providesDirectionalDerivatives", "providesAdjointDerivatives",
                "providesPerElementDependencies", "canHandleVariableCommunicationStepSize", "fixedInternalStepSize",
                "maxOutputDerivativeOrder", "recommendedIntermediateInputSmoothness", "providesIntermediateUpdate",
                "mightReturnEarlyFromDoStep", "canReturnEarlyAfterIntermediateUpdate", "hasEventMode",
                "providesEvaluateDiscreteStates"}


def fits(kind, text):
    try:
        if kind in FLOATS:
            float(text)
        elif kind in INTEGERS:
            return int(text) >= 0 or not kind.startswith("U")
        elif kind == "Boolean":
            return text in ("true", "false")
    except ValueError:
        return False
    return True


def findings(root):
    """What is wrong with a model description."""
    if root.tag != "fmiModelDescription":
        yield "the root is not fmiModelDescription"
    for attribute in ("fmiVersion", "modelName", "instantiationToken"):
        if not root.get(attribute):
            yield f"attribute {attribute} is missing"
    if root.get("fmiVersion") != "3.0":
        yield "the version is not 3.0"
    tags = [child.tag for child in root]
    if any(tag not in ROOT_ORDER for tag in tags) or tags != sorted(tags, key=ROOT_ORDER.index):
        yield f"elements {tags} are not in the order of the schema"
    simulation = root.find("CoSimulation")
    if simulation is None or not (simulation.get("modelIdentifier") or "").isidentifier():
        return (yield "there is no CoSimulation with a model identifier")
    for name, value in simulation.attrib.items():
        if name not in CAPABILITIES:
            yield f"CoSimulation has no attribute {name}"
        elif name not in ("modelIdentifier", "fixedInternalStepSize", "maxOutputDerivativeOrder") and value not in (
                "true", "false"):
            yield f"CoSimulation: {name} is not Boolean"
    if not float(simulation.get("fixedInternalStepSize", "1")) > 0:
        yield "fixedInternalStepSize is not positive"
    units = [unit.get("name") for unit in root.findall("UnitDefinitions/Unit")]
    if len(set(units)) != len(units):
        yield "a unit is defined twice"
    categories = [c.get("name") for c in root.findall("LogCategories/Category")]
    if not set(categories) <= {"logEvents", "logStatusWarning", "logStatusDiscard", "logStatusError", "logStatusFatal",
                               "logAll"}:
        yield "a log category has a name that the standard does not know"
    variables = list(root.find("ModelVariables"))
    by_reference, names = {}, set()
    for it in variables:
        name = it.get("name")
        if it.tag not in TYPES:
            yield f"{name}: {it.tag} is no type"
        reference = it.get("valueReference")
        if reference is None or not reference.isdigit() or int(reference) in by_reference:
            yield f"{name}: value reference {reference} is missing or not unique"
        else:
            by_reference[int(reference)] = it
        if not name or name in names:
            yield f"{name}: the name is missing or not unique"
        names.add(name)
    sizes = {}
    for it in variables:
        name, causality = it.get("name"), it.get("causality", "local")
        variability = it.get("variability", "continuous" if it.tag in FLOATS else "discrete")
        if variability not in VARIABILITY.get(causality, ()):
            yield f"{name}: causality {causality} with variability {variability}"
        if variability == "continuous" and it.tag not in FLOATS:
            yield f"{name}: only floating-point variables are continuous"
        if it.get("unit") is not None and (it.get("unit") not in units or it.tag not in FLOATS):
            yield f"{name}: unit {it.get('unit')} is not defined, or the type has none"
        size = 1
        for dimension in it.findall("Dimension"):
            if ("start" in dimension.attrib) == ("valueReference" in dimension.attrib):
                yield f"{name}: a dimension has either a start or a value reference"
            elif "start" in dimension.attrib:
                size *= int(dimension.get("start"))
            else:
                of = by_reference.get(int(dimension.get("valueReference")))
                if of is None or of.tag != "UInt64" or of.get("causality") != "structuralParameter":
                    yield f"{name}: a dimension is no structural parameter"
                else:
                    size *= int(of.get("start", "0"))
        sizes[name] = size
        start = it.get("start")
        must = causality in ("parameter", "structuralParameter", "input")
        if must and start is None:
            yield f"{name}: {causality} without start"
        if start is not None and (causality == "independent" or (causality == "output" and it.get("initial") not in
                                                                 ("exact", "approx"))):
            yield f"{name}: {causality} with start"
        if start is not None:
            values = start.split()
            if len(values) not in (1, size) or not all(fits(it.tag, value) for value in values):
                yield f"{name}: start '{start}' does not fit {size} x {it.tag}"
            low, high = it.get("min"), it.get("max")
            if low is not None and high is not None and not all(float(low) <= float(v) <= float(high) for v in values):
                yield f"{name}: start lies outside of min..max"
    if sum(it.get("causality") == "independent" for it in variables) != 1:
        yield "there must be one independent variable"
    outputs = {int(it.get("valueReference")) for it in variables if it.get("causality") == "output"
               and (it.get("valueReference") or "").isdigit()}
    structure = root.find("ModelStructure")
    order = ["Output", "ContinuousStateDerivative", "ClockedState", "InitialUnknown", "EventIndicator"]
    if structure is None or [e.tag for e in structure] != sorted((e.tag for e in structure), key=order.index):
        return (yield "ModelStructure is missing or out of order")
    for kind in ("Output", "InitialUnknown"):
        listed = [int(e.get("valueReference")) for e in structure.findall(kind)]
        if len(set(listed)) != len(listed) or set(listed) != outputs:
            yield f"ModelStructure: {kind} {sorted(listed)} are not the outputs {sorted(outputs)}"


def change(root, path, attribute, value):
    broken = copy.deepcopy(root)
    node = broken if path == "." else broken.find(path)
    if value is None:
        del node.attrib[attribute]
    else:
        node.set(attribute, value)
    return broken


with tempfile.TemporaryDirectory() as folder:
    work = pathlib.Path(folder)

    def write(name, *options):
        subprocess.run([heatbath, "fmu", "--out", work / name, *options], check=True, capture_output=True, text=True)
        return zipfile.ZipFile(work / name)

    program = source / "examples/coupled_chain.toml"
    unit = write("chain.fmu", "--program", program)
    wrong = []
    if unit.testzip() is not None:
        wrong.append("the zip is damaged")
    names = unit.namelist()
    for name in ("modelDescription.xml", "binaries/x86_64-linux/heatbath.so", "documentation/index.html",
                 "documentation/licenses/license.txt",
                 "terminalsAndIcons/icon.png", "resources/chip.json"):
        if name not in names:
            wrong.append(f"the unit lacks {name}")
    if any(name.startswith("/") or "\\" in name for name in names):
        wrong.append("the zip has absolute names or backslashes")
    if not unit.read("terminalsAndIcons/icon.png").startswith(b"\x89PNG"):
        wrong.append("the icon is no PNG")
    xml.fromstring(unit.read("documentation/index.html").split(b"\n", 1)[1])
    root = xml.fromstring(unit.read("modelDescription.xml"))
    wrong += findings(root)
    if root.get("instantiationToken") != json.loads(unit.read("resources/chip.json"))["token"]:
        wrong.append("the token is not that of the resources")
    identifier = root.find("CoSimulation").get("modelIdentifier")
    if f"binaries/x86_64-linux/{identifier}.so" not in names:
        wrong.append("the binary is not named as the model identifier")
    write("again.fmu", "--program", program)
    if (work / "chain.fmu").read_bytes() != (work / "again.fmu").read_bytes():
        wrong.append("the same program gives other bytes")

    # Cells of every kind, arrays and scalars.
    for kind in ("overdamped", "underdamped", "phase", "rlc", "pbit"):
        for form in ([], ["--scalar"]):
            other = xml.fromstring(write(f"{kind}.fmu", "--cell", kind, "--cells", "3", *form).read("modelDescription.xml"))
            wrong += [f"{kind} {form}: {finding}" for finding in findings(other)]
            names_of_states = [it.get("name") for it in other.find("ModelVariables") if it.get("name").startswith("x")]
            if names_of_states != (["x[1]", "x[2]", "x[3]"] if form else ["x"]):
                wrong.append(f"{kind} {form}: the states are {names_of_states}")

    # Distributions of 2022 load it.
    if shutil.which("objdump"):
        (work / "unit.so").write_bytes(unit.read(f"binaries/x86_64-linux/{identifier}.so"))
        symbols = subprocess.run(["objdump", "-T", work / "unit.so"], capture_output=True, text=True, check=True).stdout
        versions = {tuple(map(int, version.split("."))) for version in re.findall(r"GLIBC_([0-9.]+)", symbols)}
        if not versions or max(versions) > (2, 34):
            wrong.append(f"the binary needs glibc {max(versions, default=None)}")

    # A unit of a profile of one's own takes the file along.
    profile = work / "own.toml"
    profile.write_text((source / "hw_model/profiles/ideal.toml").read_text().replace("cells = 2048", "cells = 12", 1))
    own = write("own.fmu", "--profile", profile, "--cells", "3", "--step", "0.01")
    if "resources/profile.toml" not in own.namelist():
        wrong.append("the profile of one's own is not in the unit")
    described = xml.fromstring(own.read("modelDescription.xml"))
    wrong += findings(described)
    if float(described.find("CoSimulation").get("fixedInternalStepSize")) != 1e-8:
        wrong.append("the step of the unit is not the one asked for")

    mistakes = [(".", "fmiVersion", "2.0"), (".", "instantiationToken", None), ("CoSimulation", "modelIdentifier", "a b"),
                ("CoSimulation", "hasEventMode", "no"), ("CoSimulation", "canDoAnything", "true"),
                ("ModelVariables/*[@name='x']", "valueReference", "12"), ("ModelVariables/*[@name='x']", "name", "bias"),
                ("ModelVariables/*[@name='x']", "start", "0"), ("ModelVariables/*[@name='x']", "causality", "input"),
                ("ModelVariables/*[@name='x']", "unit", "V"), ("ModelVariables/*[@name='bias']", "start", "1 2"),
                ("ModelVariables/*[@name='seed']", "start", "-1"), ("ModelVariables/*[@name='seed']", "start", None),
                ("ModelVariables/*[@name='clamp']", "start", "maybe"), ("ModelVariables/*[@name='cells']", "start", "99"),
                ("ModelVariables/*[@name='cells']", "causality", "parameter"),
                ("ModelVariables/*[@name='seed']", "variability", "continuous"),
                ("ModelStructure/Output", "valueReference", "12"),
                ("ModelStructure/InitialUnknown", "valueReference", "21")]
    for path, attribute, value in mistakes:
        if not list(findings(change(root, path, attribute, value))):
            wrong.append(f"the checker does not see {path} {attribute} = {value}")
    refused = subprocess.run([heatbath, "fmu", "--profile", "silicon", "--out", work / "no.fmu"], capture_output=True,
                             text=True)
    if refused.returncode != 2 or "SEEDED" not in refused.stderr:
        wrong.append(f"profile silicon is not refused by name: {refused.stderr}")

print("\n".join(wrong))
sys.exit(1 if wrong else 0)

#include "files/statistics_request.hpp"

#include <set>

#include <fmt/format.h>

#include "files/toml_item.hpp"

namespace heatbath::apps {

namespace {

Observable read_observable(const Item& item, std::uint32_t variables) {
  const Table table(item, {"name", "terms"});
  Observable observable;
  observable.name = table.at("name").text();
  for (const Item& entry : table.at("terms").array("[factor, variable, …]")) {
    const std::vector<Item> parts = entry.array("a factor and state variables");
    if (parts.size() < 2) entry.fail("needs a factor and one state variable or more: [1.0, 0, 3] is x0 x3");
    Observable::Term term;
    term.factor = parts[0].number();
    for (std::size_t k = 1; k < parts.size(); ++k) term.variables.push_back(parts[k].count(0, variables - 1));
    observable.terms.push_back(std::move(term));
  }
  if (observable.terms.empty()) table.at("terms").fail("is empty; needs one term or more");
  return observable;
}

}  // namespace

StatisticsRequest read_statistics(const Item& item, std::uint32_t cells) {
  const Table table(item, {"from", "cells", "observables", "covariances", "lags", "histogram", "entropy_production", "information", "currents", "only"});
  const std::uint32_t variables = 2 * cells;  // whether cells have two, the device says
  StatisticsRequest request;
  if (const auto from = table.find("from")) {
    request.from = from->number();
    if (request.from < 0) from->fail("is negative; needs a time in time units");
  }
  if (const auto list = table.find("cells")) {
    request.cells.emplace();
    std::set<std::uint32_t> given;
    for (const Item& cell : list->array("state variables")) {
      request.cells->push_back(cell.count(0, variables - 1));
      if (!given.insert(request.cells->back()).second) cell.fail("is given twice");
    }
  }
  if (const auto list = table.find("observables")) {
    std::set<std::string> names;
    for (const Item& one : list->array("tables with name and terms")) {
      request.observables.push_back(read_observable(one, variables));
      if (!names.insert(request.observables.back().name).second) one.fail("has the name of another observable");
    }
  }
  if (const auto all = table.find("covariances")) request.covariances = all->boolean();
  if (const auto lags = table.find("lags")) {
    for (const Item& lag : lags->array("times in time units")) {
      request.lags.push_back(lag.number());
      if (request.lags.back() < 0) lag.fail("is negative; needs a time in time units");
    }
  }
  if (const auto of = table.find("histogram")) {
    const Table histogram(*of, {"low", "high", "bins"});
    request.histogram = {histogram.at("low").number(), histogram.at("high").number(), histogram.at("bins").count(1, 100000)};
    if (!(request.histogram->low < request.histogram->high)) of->fail("needs low below high");
  }
  if (const auto entropy = table.find("entropy_production")) request.entropy_production = entropy->boolean();
  const auto of_pairs = [&](const char* key, bool& wanted) {
    const auto given = table.find(key);
    if (given) wanted = given->boolean();
    if (wanted && request.covariances == false) given->fail("is of pairs of columns, and covariances = false leaves them out");
  };
  of_pairs("information", request.information);
  of_pairs("currents", request.currents);
  if (request.currents && request.lags.empty()) table.at("currents").fail("are between two times; lags says how far apart");
  if (const auto only = table.find("only")) request.only = only->boolean();
  if (request.cells && request.cells->empty() && request.observables.empty() && !request.entropy_production)
    item.fail("has no cells and no observables to make statistics of");
  return request;
}

}  // namespace heatbath::apps

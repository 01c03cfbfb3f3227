#include "monitor/event_log.hpp"

#include <nlohmann/json.hpp>

#include "files/provenance.hpp"
#include "files/utf8.hpp"

namespace heatbath::monitor {

void EventLog::note(double time, std::string_view kind, std::string_view text) {
  ++noted_;
  if (!events_.empty() && events_.back().kind == kind && events_.back().text == text) {
    Event& again = events_.back();
    again.number = noted_;
    again.time = time;
    ++again.times;
    return;
  }
  events_.push_back({noted_, 1, time, std::string(kind), std::string(text)});
  if (events_.size() > most) events_.pop_front();
}

std::string EventLog::json() const {
  nlohmann::json list = nlohmann::json::array();
  for (std::size_t k = events_.size() - std::min(events_.size(), shown); k < events_.size(); ++k) {
    const Event& one = events_[k];
    list.push_back({{"number", one.number}, {"time", one.time}, {"times", one.times}, {"kind", one.kind}, {"text", apps::valid_utf8(one.text)}});
  }
  return apps::json_text(list);
}

}  // namespace heatbath::monitor

#include "monitor/framed_window.hpp"

namespace heatbath::monitor {

FramedWindow::~FramedWindow() {
  const std::lock_guard lock(mutex_);
  for (auto& reader : register_readers_) reader.set_value({});
}

Window::Numbered FramedWindow::newer(std::uint64_t after, std::chrono::milliseconds wait) {
  std::unique_lock lock(mutex_);
  framed_.wait_for(lock, wait, [&] { return newest_.number > after && newest_.frame; });
  return newest_.number > after ? newest_ : Numbered{after, nullptr};
}

void FramedWindow::add_viewers(int change) {
  {
    const std::lock_guard lock(mutex_);
    viewers_ += change;
  }
  turned_.notify_all();
}

std::string FramedWindow::registers(std::chrono::milliseconds wait) {
  std::future<std::string> answer;
  {
    const std::lock_guard lock(mutex_);
    register_readers_.emplace_back();
    answer = register_readers_.back().get_future();
  }
  turned_.notify_all();
  return answer.wait_for(wait) == std::future_status::ready ? answer.get() : std::string();
}

void FramedWindow::note_event(double time, const char* kind, const std::string& text) {
  const std::lock_guard lock(mutex_);
  events_.note(time, kind, text);
}

}  // namespace heatbath::monitor

// A host of the trainers: links them and the emulator, and calls into both.
#include <cstdio>

#include "heatbath/open.hpp"
#include "heatbath/trainers/generative.hpp"

int main() {
  heatbath::Device device = heatbath::open("func:cells=8&lanes=1");
  const heatbath::trainers::Images digits = heatbath::trainers::draw_digits(1, 1);
  std::printf("%u cells, %zu digits\n", device.capabilities().cells, digits.size());
  return device.capabilities().cells == 8 && digits.size() == 10 ? 0 : 1;
}

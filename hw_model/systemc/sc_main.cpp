// The replacement of sc_main for hosts that have their own main. It runs only where the linker took SystemC's main
// instead of the host's, and says so.
#include <cstdio>

extern "C" int sc_main(int, char*[]) {
  std::fputs(
      "heatbath: the main function of libsystemc ran instead of the program's; link the object file that defines main "
      "before -lsystemc, or define sc_main\n",
      stderr);
  return 1;
}

/* The whole job on a device in memory: mapped FILE, where FILE is what `heatbath serve --listen uio:FILE` made. A uio
 * device has its windows as maps 0 and 1 instead; on a board they are addresses. */
#define _POSIX_C_SOURCE 200809L
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "heatbath/map.h"
#include "whole_job.h"

/* A minute of looks at most. */
static bool sleep_a_little(uint32_t looks) {
  const struct timespec nap = {0, 50000};
  if (looks % 16 == 0) nanosleep(&nap, NULL);
  return looks < 16 * 1200000;
}

int main(int count, char **arguments) {
  struct stat file;
  const int descriptor = count == 2 ? open(arguments[1], O_RDWR) : -1;
  if (descriptor < 0 || fstat(descriptor, &file) != 0) return fprintf(stderr, "usage: mapped FILE\n"), 2;
  void *const memory = mmap(NULL, (size_t)file.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  hb_map_t map;
  if (memory == MAP_FAILED || hb_map_file(memory, (uint64_t)file.st_size, &map) != HB_OK) return 2;
  map.pause = sleep_a_little;
  const hb_mmio_t part = hb_map_mmio(&map);

  double product = 0;
  uint32_t records = 0;
  const hb_status_t status = whole_job(&part, &product, &records);
  if (status != HB_OK) return fprintf(stderr, "%s: %s\n", hb_status_name(status), hb_status_meaning(status)), 1;
  printf("<x0 x1> = %.6f over %u records\n", product, (unsigned)records);
  return 0;
}

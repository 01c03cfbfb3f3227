/* First process of the emulated machine: runs the commands in /commands, a line each, without a shell, and says their
 * exit statuses on the serial port. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <unistd.h>

static void show_processor(void) {
  FILE* file = fopen("/proc/cpuinfo", "r");
  char line[8192];
  while (file && fgets(line, sizeof line, file))
    if (!strncmp(line, "flags", 5) || !strncmp(line, "model name", 10)) printf("%s", line);
}

static int run(char* line) {
  char* words[32];
  int count = 0;
  for (char* word = strtok(line, " "); word && count < 31; word = strtok(NULL, " ")) words[count++] = word;
  words[count] = NULL;
  const pid_t child = fork();
  if (child == 0) {
    execv(words[0], words);
    perror(words[0]);
    _exit(127);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(void) {
  mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
  mount("proc", "/proc", "proc", 0, NULL);
  mount("tmpfs", "/tmp", "tmpfs", 0, NULL);
  const int serial = open("/dev/ttyS0", O_RDWR);
  for (int stream = 0; stream < 3; ++stream) dup2(serial, stream);
  setvbuf(stdout, NULL, _IOLBF, 0);
  show_processor();
  FILE* commands = fopen("/commands", "r");
  char line[1024];
  while (commands && fgets(line, sizeof line, commands)) {
    line[strcspn(line, "\n")] = 0;
    if (!*line) continue;
    printf("command: %s\n", line);
    printf("status: %d\n", run(line));
  }
  printf("finished\n");
  sleep(1);
  reboot(RB_POWER_OFF);
  for (;;) pause();
}

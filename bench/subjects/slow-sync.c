/*
 * Makes a disk seem slower than it is: fsync(2) and fdatasync(2) take SLOW_SYNC_US microseconds longer, and end as they
 * would. For LD_PRELOAD.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

static int wait_after(int result) {
  int error = errno;
  const char *microseconds = getenv("SLOW_SYNC_US");
  long wanted = microseconds == NULL ? 0 : atol(microseconds);
  struct timespec left = {wanted / 1000000, wanted % 1000000 * 1000};
  while (wanted > 0 && nanosleep(&left, &left) != 0) {
  }
  errno = error;
  return result;
}

int fsync(int file) {
  int (*next)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
  return wait_after(next(file));
}

int fdatasync(int file) {
  int (*next)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  return wait_after(next(file));
}

/*
 * Rights that this process gives up for good, so that whoever takes it over by its input gets little.
 *
 * Nothing fails for it: a kernel that does not know these means, or a container that has taken rights
 * away before, leaves what there is. Sources: capabilities(7), seccomp(2), security/commoncap.c.
 */
#ifndef NET_CONFINE_H
#define NET_CONFINE_H

#include <stdint.h>

/*
 * What plugins need: the kernel's networking, entering a pod's namespace (also by the process that
 * lives in it, whatever that may do), packets of their own making, and files of others.
 */
extern const uint64_t confine_plugin;

/*
 * Take no new privileges, and keep of the capabilities only those of keep (a bit each). A program that is executed later gets no others, not even root's.
 */
void confine_rights(uint64_t keep);

/*
 * For a client of servers: no capability at all, no memory dumps, and from now on no system call
 * but those that talk to servers, read files and wait. Any other ends the process at once: it
 * cannot come from this program's own code, all of which is in its file. Files that only root's
 * capabilities open must be read before. A second call does nothing.
 */
void confine_client(void);

#endif

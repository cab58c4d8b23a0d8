/* The version of cnibox, in one place. */
#ifndef BASE_VERSION_H
#define BASE_VERSION_H

#define CNIBOX_VERSION "0.1.0"

#endif

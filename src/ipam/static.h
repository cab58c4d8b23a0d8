/*
 * The verbs of the static IPAM plugin: the addresses are in the configuration, or the runtime asks
 * for them. Nothing is kept anywhere, so two pods with one configuration get one address.
 *
 * For the applet of that name, and for other plugins whose ipam.type is static (ipam/ipam.h). Keys,
 * sources and words are the reference plugin's (release 1.9.1). e must be the struct err that
 * rq->conf was opened with, not set yet.
 */
#ifndef IPAM_STATIC_H
#define IPAM_STATIC_H

#include "base/err.h"
#include "cni/request.h"
#include "cni/result.h"

/* Append the addresses (no interface index), routes and DNS words to rs. */
int static_add(const struct cni_request *rq, struct cni_result *rs, struct err *e) must_check;

/* Is each address of the configuration in prevResult, with its gateway if it names one? */
int static_check(const struct cni_request *rq, struct err *e) must_check;

/* Is the configuration valid? */
int static_status(const struct cni_request *rq, struct err *e) must_check;

#endif

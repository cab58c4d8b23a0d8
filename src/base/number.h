/*
 * Decimal numbers in text.
 */
#ifndef BASE_NUMBER_H
#define BASE_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/* The whole of text as a number from 0 to max. Gives false, and leaves *out alone, if it is none. */
bool number_parse(uint32_t *out, const char *text, uint32_t max)
	__attribute__((warn_unused_result));

#endif

/*
 * fuzz: what every target has: libFuzzer's entry point, and what it takes for a defect.
 *
 * Built with clang and -fsanitize=fuzzer-no-link, targets run under libFuzzer (tests/fuzz/run.sh); built with
 * anything else, replay.c runs them over their corpora, as unit tests.
 */
#ifndef PODPIS_TESTS_FUZZ_H
#define PODPIS_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* Targets that have nothing to set up leave it out. */
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));
/* Targets with a mutator of their own. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
	__attribute__((weak));
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

/* What holds for every input. */
#define fuzz_holds(condition)                                                                      \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__,          \
				#condition);                                                       \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

#endif

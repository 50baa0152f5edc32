/*
 * podpis-probe MODULE FLAGS: loads a PKCS#11 module, initialises it, and reports on descriptor 3 that it came
 * through. Started by podpis-pkcs11.so (probe.h), of no use to anybody else.
 */
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "module/store/token/library.h"
#include "module/store/token/probe.h"

int main(int argc, char **argv)
{
	const struct rlimit none = {0, 0};
	struct library library = {.loaded = false};
	bool owner = false;

	if (argc != 3)
		return 2;
	/* No core file of a crash that was expected, and no end later than the one who asked waits. */
	setrlimit(RLIMIT_CORE, &none);
	alarm(PROBE_PATIENCE + 1);
	if (library_load(&library, argv[1]) == CKR_OK &&
		library_start(&library, strtoul(argv[2], NULL, 10), false, &owner) == CKR_OK &&
		owner)
		library.functions.C_Finalize(NULL);
	/* Without the module's exit handlers. */
	_exit(write(PROBE_FD, "+", 1) == 1 ? 0 : 1);
}

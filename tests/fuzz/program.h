/*
 * program: a fuzzer's bytes read as a program of Cryptoki calls: handles that are, were or never were, templates and
 * mechanisms. Past its end everything is 0. What is allocated is exactly as long as asked for, so that the sanitizers see a
 * step beyond.
 */
#ifndef PODPIS_FUZZ_PROGRAM_H
#define PODPIS_FUZZ_PROGRAM_H

#include <stdint.h>
#include <stdlib.h>

#include "module/support/pkcs11.h"

#define PROGRAM_SESSIONS     3
#define PROGRAM_OBJECTS      12
#define PROGRAM_TEMPLATE_MAX 12
#define PROGRAM_KEPT         8 /* objects that stay: four key pairs */

/* The program and where it is read; past its end everything is 0. */
struct program {
	const uint8_t *data;
	size_t size, at;
	CK_SESSION_HANDLE sessions[PROGRAM_SESSIONS];
	CK_OBJECT_HANDLE objects[PROGRAM_OBJECTS];
	size_t next;                    /* place for the next object */
	CK_SESSION_HANDLE main_session; /* logged in */
	const CK_OBJECT_HANDLE *kept;   /* PROGRAM_KEPT of them */
};

struct template
{
	CK_ATTRIBUTE list[PROGRAM_TEMPLATE_MAX];
	void *memory[PROGRAM_TEMPLATE_MAX];
	CK_ULONG count;
};

struct mechanism {
	CK_MECHANISM base;
	union {
		CK_RSA_PKCS_OAEP_PARAMS oaep;
		CK_ECDH1_DERIVE_PARAMS ecdh;
		CK_RSA_PKCS_PSS_PARAMS pss;
	} parameters;
	void *memory;
};

/* Parameters of keys, in DER. */
extern CK_BYTE program_p256[10], program_ed25519[5], program_gost_256[11];

uint8_t program_byte(struct program *program);
/* The caller frees. */
uint8_t *program_bytes(struct program *program, size_t length);
size_t program_length(struct program *program);
CK_SESSION_HANDLE program_session(struct program *program);
CK_OBJECT_HANDLE program_object(struct program *program);
/* Remembers an object, in place of an older one. */
void program_keep(struct program *program, CK_OBJECT_HANDLE object);

CK_ATTRIBUTE_TYPE program_attribute_type(struct program *program);
void program_template(struct program *program, struct template *out);
void program_template_free(struct template *template);

CK_MECHANISM_TYPE program_mechanism_type(struct program *program);
/* The caller frees `memory`. */
void program_mechanism(struct program *program, struct mechanism *out);

#endif

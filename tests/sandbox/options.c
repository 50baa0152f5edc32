#include "tests/sandbox/options.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
	"usage: podpis-sandbox --state DIR [--listen ADDRESS:PORT] [--verify-seconds N]\n"
	"                      [--ready-file FILE] [--token-seconds N] [--no-password] [--rsa]\n"
	"                      [--control] [--fault SPEC]... [--credential SPEC]...\n"
	"                      [--cloud-login basic|digest|digest-md5|none:ACCOUNT]\n"
	"                      [--oauth2-issuer] [--latency-ms N] [--not-only-loopback]\n"
	"A registration centre, certificate authority, identity portal and cloud signing\n"
	"service for trying things out. See podpis-sandbox(1).\n";

static bool number(const char *text, double most, int64_t scale, int64_t *out)
{
	char *end;

	errno = 0;
	double value = strtod(text, &end);
	if (errno != 0 || end == text || *end != '\0' || !(value >= 0 && value <= most))
		return false;
	*out = (int64_t)(value * (double)scale);
	return true;
}

static bool login_kind(struct options *options, const char *text)
{
	static const char *const names[] = {[LOGIN_BASIC] = "basic",
		[LOGIN_DIGEST] = "digest",
		[LOGIN_DIGEST_MD5] = "digest-md5"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (strcmp(names[i], text) == 0) {
			options->cloud_login = (enum options_login)i;
			return true;
		}
	}
	options->cloud_login = LOGIN_NONE;
	options->cloud_account = text + 5;
	return strncmp(text, "none:", 5) == 0;
}

static bool is_loopback(const struct sockaddr_storage *address)
{
	if (address->ss_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)address)->sin6_addr);
	return ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr) >> 24 == 127;
}

bool options_address(struct options *options, const char *text, bool anywhere, struct error *err)
{
	const char *colon = strrchr(text, ':');
	const char *port_text = colon != NULL ? colon + 1 : text;
	char host[64] = "127.0.0.1";
	char *end;

	if (colon != NULL) {
		bool brackets = text[0] == '[' && colon > text + 1 && colon[-1] == ']';
		size_t length = (size_t)(colon - text) - (brackets ? 2 : 0);

		if (length == 0 || length >= sizeof host)
			return error_set(err, ERROR_USAGE, "%s is no ADDRESS:PORT", text);
		memcpy(host, text + (brackets ? 1 : 0), length);
		host[length] = '\0';
	}
	if (strcmp(host, "localhost") == 0)
		strcpy(host, "127.0.0.1");
	errno = 0;
	unsigned long port = strtoul(port_text, &end, 10);
	if (errno != 0 || *port_text < '0' || *port_text > '9' || *end != '\0' || port > 65535)
		return error_set(err, ERROR_USAGE, "%s is no ADDRESS:PORT", text);

	struct sockaddr_in *v4 = (struct sockaddr_in *)&options->address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&options->address;
	memset(&options->address, 0, sizeof options->address);
	if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)port);
		options->address_length = sizeof *v4;
	} else if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)port);
		options->address_length = sizeof *v6;
	} else {
		return error_set(err, ERROR_USAGE, "%s is no address", host);
	}
	options->any_port = port == 0;
	if (!anywhere && !is_loopback(&options->address))
		return error_set(err, ERROR_USAGE,
			"%s is not a loopback address: the sandbox has no secrets worth keeping, "
			"and says so to "
			"everybody who asks; --not-only-loopback allows it",
			host);
	return true;
}

void options_host(const struct options *options, char *out, size_t size)
{
	const struct sockaddr_storage *address = &options->address;
	const void *host =
		address->ss_family == AF_INET6
			? (const void *)&((const struct sockaddr_in6 *)address)->sin6_addr
			: (const void *)&((const struct sockaddr_in *)address)->sin_addr;

	if (inet_ntop(address->ss_family, host, out, (socklen_t)size) == NULL)
		snprintf(out, size, "127.0.0.1");
}

enum options_result options_parse(struct options *options, int argc, char **argv)
{
	enum {
		STATE = 256,
		LISTEN,
		VERIFY,
		READY,
		TOKEN,
		NO_PASSWORD,
		RSA_KEYS,
		CONTROL,
		FAULT,
		CREDENTIAL,
		CLOUD_LOGIN,
		OAUTH2_ISSUER,
		LATENCY,
		ANYWHERE,
		HELP,
		VERSION
	};
	static const struct option table[] = {
		{"state", required_argument, NULL, STATE},
		{"listen", required_argument, NULL, LISTEN},
		{"verify-seconds", required_argument, NULL, VERIFY},
		{"ready-file", required_argument, NULL, READY},
		{"token-seconds", required_argument, NULL, TOKEN},
		{"no-password", no_argument, NULL, NO_PASSWORD},
		{"rsa", no_argument, NULL, RSA_KEYS},
		{"control", no_argument, NULL, CONTROL},
		{"fault", required_argument, NULL, FAULT},
		{"credential", required_argument, NULL, CREDENTIAL},
		{"cloud-login", required_argument, NULL, CLOUD_LOGIN},
		{"oauth2-issuer", no_argument, NULL, OAUTH2_ISSUER},
		{"latency-ms", required_argument, NULL, LATENCY},
		{"not-only-loopback", no_argument, NULL, ANYWHERE},
		{"help", no_argument, NULL, HELP},
		{"version", no_argument, NULL, VERSION},
		{NULL, 0, NULL, 0},
	};
	const char *listen = "127.0.0.1:0";
	bool anywhere = false, ok = true;
	struct error err = {0};
	int option;

	*options = (struct options){.verify_ms = 3000, .token_seconds = 900};
	while ((option = getopt_long(argc, argv, "h", table, NULL)) != -1) {
		switch (option) {
		case STATE:
			options->state = optarg;
			break;
		case LISTEN:
			listen = optarg;
			break;
		case VERIFY:
			ok = ok && number(optarg, 1e7, 1000, &options->verify_ms);
			break;
		case READY:
			options->ready_file = optarg;
			break;
		case TOKEN:
			ok = ok && number(optarg, 1e7, 1, &options->token_seconds);
			break;
		case NO_PASSWORD:
			options->no_password = true;
			break;
		case RSA_KEYS:
			options->rsa = true;
			break;
		case CONTROL:
			options->control = true;
			break;
		case FAULT:
			ok = ok && options->fault_count < OPTIONS_FAULTS_MAX;
			if (ok)
				options->faults[options->fault_count++] = optarg;
			break;
		case CREDENTIAL:
			ok = ok && options->credential_count < OPTIONS_CREDENTIALS_MAX;
			if (ok)
				options->credentials[options->credential_count++] = optarg;
			break;
		case CLOUD_LOGIN:
			ok = ok && login_kind(options, optarg);
			break;
		case OAUTH2_ISSUER:
			options->oauth2_issuer = true;
			break;
		case LATENCY:
			ok = ok && number(optarg, 1e6, 1, &options->latency_ms);
			break;
		case ANYWHERE:
			anywhere = true;
			break;
		case HELP:
		case 'h':
			fputs(usage, stdout);
			return OPTIONS_DONE;
		case VERSION:
			puts("podpis-sandbox " PODPIS_VERSION);
			return OPTIONS_DONE;
		default:
			ok = false;
		}
	}
	if (!ok || optind != argc || options->state == NULL) {
		fputs(usage, stderr);
		return OPTIONS_WRONG;
	}
	if (!options_address(options, listen, anywhere, &err)) {
		fprintf(stderr, "podpis-sandbox: %s\n", err.message);
		return OPTIONS_WRONG;
	}
	return OPTIONS_RUN;
}

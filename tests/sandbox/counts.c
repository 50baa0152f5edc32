#include "tests/sandbox/counts.h"

#include <pthread.h>
#include <stdlib.h>

struct counts {
	pthread_mutex_t lock;
	json_int_t connections;
	json_t *requests;
};

struct counts *counts_new(void)
{
	struct counts *counts = calloc(1, sizeof *counts);

	if (counts == NULL)
		return NULL;
	pthread_mutex_init(&counts->lock, NULL);
	counts->requests = json_object();
	return counts;
}

void counts_free(struct counts *counts)
{
	if (counts == NULL)
		return;
	json_decref(counts->requests);
	pthread_mutex_destroy(&counts->lock);
	free(counts);
}

void counts_request(struct counts *counts, const char *path)
{
	pthread_mutex_lock(&counts->lock);
	json_object_set_new(counts->requests, path,
		json_integer(json_integer_value(json_object_get(counts->requests, path)) + 1));
	pthread_mutex_unlock(&counts->lock);
}

void counts_connection(struct counts *counts)
{
	pthread_mutex_lock(&counts->lock);
	counts->connections++;
	pthread_mutex_unlock(&counts->lock);
}

void counts_reset(struct counts *counts)
{
	pthread_mutex_lock(&counts->lock);
	counts->connections = 0;
	json_object_clear(counts->requests);
	pthread_mutex_unlock(&counts->lock);
}

json_t *counts_list(struct counts *counts)
{
	pthread_mutex_lock(&counts->lock);
	json_t *list = json_pack("{s:I,s:o}", "connections", counts->connections, "requests",
		json_deep_copy(counts->requests));
	pthread_mutex_unlock(&counts->lock);
	return list;
}

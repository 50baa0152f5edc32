#include "tests/sandbox/deferred.h"

#include <stdlib.h>
#include <string.h>

#include "tests/sandbox/store.h"

bool deferred_put(struct request *request, json_t *answer, int64_t delay_ms, int64_t keep_ms,
	char handle[CODEC_TOKEN_MAX])
{
	struct store *store = request->sandbox->store;
	char *text = json_dumps(answer, JSON_COMPACT);
	int64_t due = store_now(store) + delay_ms;
	uint8_t hash[CODEC_SHA256];
	bool ok = text != NULL && codec_token(handle);

	if (ok) {
		codec_sha256(handle, strlen(handle), hash);
		store_run(store, "INSERT INTO deferred VALUES (?, ?, ?, ?, ?)", "bsiis", hash,
			sizeof hash, request->caller.account, due, due + keep_ms, text);
	}
	free(text);
	json_decref(answer);
	return ok;
}

enum deferred_state deferred_get(struct request *request, const char *handle, json_t **answer)
{
	struct store *store = request->sandbox->store;
	enum deferred_state found = DEFERRED_UNKNOWN;
	uint8_t hash[CODEC_SHA256];

	codec_sha256(handle, strlen(handle), hash);
	store_run(store, "DELETE FROM deferred WHERE expires < ?", "i", store_now(store));
	sqlite3_stmt *query = store_query(store,
		"SELECT due, answer FROM deferred WHERE hash = ? AND account = ?", "bs", hash,
		sizeof hash, request->caller.account);
	if (store_next(store, &query)) {
		found = sqlite3_column_int64(query, 0) > store_now(store) ? DEFERRED_PENDING
									  : DEFERRED_READY;
		if (found == DEFERRED_READY)
			*answer = json_loads(store_text(query, 1), 0, NULL);
	}
	store_end(&query);
	return found;
}

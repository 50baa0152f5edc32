#include "module/cryptoki/find.h"

#include <stdlib.h>
#include <string.h>

#include "module/cryptoki/argument.h"
#include "module/cryptoki/object.h"

/*
 * A template, with its empty values set apart: an attribute whose empty default is not stored matches an
 * empty value, too.
 */
struct find_query {
	const CK_ATTRIBUTE *all;
	CK_ULONG all_count;
	CK_ULONG count; /* of what has a value */
	CK_ATTRIBUTE *list;
};

static bool find_is_empty(const struct attributes *object, CK_ATTRIBUTE_TYPE type)
{
	const CK_ATTRIBUTE *value = attributes_find(object, type);
	CK_ATTRIBUTE otherwise;

	if (value != NULL)
		return value->ulValueLen == 0;
	const struct attribute_rule *rule = attribute_rule_find(type,
		attributes_ulong(object, CKA_CLASS, CK_UNAVAILABLE_INFORMATION),
		attributes_ulong(object, CKA_KEY_TYPE, CK_UNAVAILABLE_INFORMATION));
	return rule != NULL && attribute_default(rule, &otherwise) && otherwise.ulValueLen == 0;
}

static bool find_empty_match(const struct attributes *object, const struct find_query *query)
{
	if (query->count == query->all_count)
		return true;
	for (CK_ULONG i = 0; i < query->all_count; i++)
		if (query->all[i].ulValueLen == 0 && !find_is_empty(object, query->all[i].type))
			return false;
	return true;
}

/* Secret values are not to be guessed by searching for them. */
static bool find_asks_secret(const struct attributes *object, const struct find_query *query)
{
	if (!attributes_bool(object, CKA_SENSITIVE, false) &&
		attributes_bool(object, CKA_EXTRACTABLE, true))
		return false;
	CK_OBJECT_CLASS class = attributes_ulong(object, CKA_CLASS, CK_UNAVAILABLE_INFORMATION);
	CK_KEY_TYPE key_type = attributes_ulong(object, CKA_KEY_TYPE, CK_UNAVAILABLE_INFORMATION);
	for (CK_ULONG i = 0; i < query->count; i++) {
		const struct attribute_rule *rule =
			attribute_rule_find(query->list[i].type, class, key_type);
		if (rule != NULL && (rule->flags & ATTRIBUTE_SECRET) != 0)
			return true;
	}
	return false;
}

static bool find_matches(const struct object *object, const void *context)
{
	const struct find_query *query = context;
	return attributes_match(object->attributes, query->list, query->count) &&
	       !find_asks_secret(object->attributes, query) &&
	       find_empty_match(object->attributes, query);
}

/* Classes that no slot has are answered at once: browsers ask for their own hundreds of times. */
static bool find_is_hopeless(const struct find_query *query)
{
	for (CK_ULONG i = 0; i < query->count; i++)
		if (query->list[i].type == CKA_CLASS &&
			(query->list[i].ulValueLen != sizeof(CK_OBJECT_CLASS) ||
				!attribute_class_is_known(attribute_ulong(&query->list[i]))))
			return true;
	return false;
}

static CK_RV find_collect(
	struct session *session, const struct find_query *query, struct object_list *found)
{
	struct token *token = session_token(session);
	CK_RV rv;

	if (find_is_hopeless(query))
		return CKR_OK;
	rv = token->class->find(token, query->list, query->count, found);
	if (rv != CKR_OK)
		return rv;
	size_t kept = 0;
	for (size_t i = 0; i < found->count; i++) {
		if (find_empty_match(found->objects[i]->attributes, query))
			found->objects[kept++] = found->objects[i];
		else
			object_unref(found->objects[i]);
	}
	found->count = kept;
	return shelf_find(&session->slot->shelf, find_matches, query, found);
}

static CK_RV find_query_make(struct find_query *query, const CK_ATTRIBUTE *templ, CK_ULONG count)
{
	if (!argument_is_template(templ, count))
		return CKR_ARGUMENTS_BAD;
	*query = (struct find_query){.all = templ, .all_count = count};
	query->list = calloc(count + 1, sizeof(*query->list));
	if (query->list == NULL)
		return CKR_HOST_MEMORY;
	for (CK_ULONG i = 0; i < count; i++) {
		if (templ[i].pValue == NULL && templ[i].ulValueLen != 0)
			return CKR_ATTRIBUTE_VALUE_INVALID;
		if (templ[i].ulValueLen != 0)
			query->list[query->count++] = templ[i];
	}
	return CKR_OK;
}

CK_RV find_init(struct session *session, const CK_ATTRIBUTE *templ, CK_ULONG count)
{
	struct find *find = &session->find;
	struct find_query query = {.list = NULL};
	struct object_list found = {.count = 0};
	CK_RV rv;

	if (find->active)
		return CKR_OPERATION_ACTIVE;
	rv = find_query_make(&query, templ, count);
	if (rv == CKR_OK)
		rv = find_collect(session, &query, &found);
	if (rv != CKR_OK)
		goto out;
	if (found.count > 0) {
		find->handles = calloc(found.count, sizeof(*find->handles));
		if (find->handles == NULL) {
			rv = CKR_HOST_MEMORY;
			goto out;
		}
	}
	for (size_t i = 0; i < found.count; i++)
		find->handles[i] = object_handle(session, found.objects[i]);
	find->count = found.count;
	find->next = 0;
	find->active = true;
out:
	object_list_free(&found);
	free(query.list);
	return rv;
}

CK_RV find_next(struct session *session, CK_OBJECT_HANDLE *out, CK_ULONG max, CK_ULONG *count)
{
	struct find *find = &session->find;

	if (!find->active)
		return CKR_OPERATION_NOT_INITIALIZED;
	if (count == NULL || (out == NULL && max != 0))
		return CKR_ARGUMENTS_BAD;
	CK_ULONG given = find->count - find->next;
	if (given > max)
		given = max;
	if (given > 0)
		memcpy(out, find->handles + find->next, given * sizeof(*out));
	find->next += given;
	*count = given;
	return CKR_OK;
}

CK_RV find_final(struct session *session)
{
	if (!session->find.active)
		return CKR_OPERATION_NOT_INITIALIZED;
	find_free(&session->find);
	return CKR_OK;
}

void find_free(struct find *find)
{
	free(find->handles);
	*find = (struct find){.active = false};
}

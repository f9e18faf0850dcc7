/* Names for what wasm/importer/json.c defines, so that a target can have it beside the library that it stands for. It is
 * included in front of that file (Makefile), and a target says which of them it calls:
 *
 *     cJSON *importer_parse(const char *text, size_t size, const char **end, cJSON_bool whole);
 */
#ifndef IMPORTER_JSON_H
#define IMPORTER_JSON_H

#define cJSON_InitHooks importer_init_hooks
#define cJSON_Delete importer_delete
#define cJSON_IsTrue importer_is_true
#define cJSON_IsBool importer_is_bool
#define cJSON_IsNull importer_is_null
#define cJSON_IsNumber importer_is_number
#define cJSON_IsString importer_is_string
#define cJSON_IsArray importer_is_array
#define cJSON_IsObject importer_is_object
#define cJSON_GetArraySize importer_array_size
#define cJSON_GetObjectItemCaseSensitive importer_member
#define cJSON_ParseWithLengthOpts importer_parse

#endif

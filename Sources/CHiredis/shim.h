// What Swift needs of hiredis: its reader, told to hand every value over as it is parsed instead of building a tree.
//
// hiredis 0.14 and 1.x differ in the layout of the function table, in the type of an array's count and in the kinds of
// values they know. All of that stays in this file: Swift fills in a `tandem_reply_sink` and never sees the table.
#pragma once

#include <hiredis/hiredis.h>
#include <hiredis/read.h>
#include <stddef.h>
#include <string.h>

// Where parsed values go. `context` belongs to the caller. Each function returns 0 to refuse the value, which ends the
// reader with an error. `depth` is the number of arrays the value lies in.
typedef struct tandem_reply_sink {
  void *context;
  int (*string)(void *context, int type, const char *bytes, size_t count);
  int (*array)(void *context, long long count, int depth);
  int (*integer)(void *context, long long number);
  int (*nil)(void *context);
  int (*unsupported)(void *context);
} tandem_reply_sink;

// hiredis only asks whether the object it got is NULL; the values themselves are kept by the sink.
static inline void *tandem_object_if(int accepted) {
  static char object;
  return accepted ? &object : NULL;
}

static inline tandem_reply_sink *tandem_sink(const redisReadTask *task) {
  return (tandem_reply_sink *)task->privdata;
}

static inline void *tandem_create_string(const redisReadTask *task, char *bytes, size_t count) {
  tandem_reply_sink *sink = tandem_sink(task);
  if (task->type != REDIS_REPLY_STRING && task->type != REDIS_REPLY_STATUS && task->type != REDIS_REPLY_ERROR)
    return tandem_object_if(sink->unsupported(sink->context));
  return tandem_object_if(sink->string(sink->context, task->type, bytes, count));
}

static inline void *tandem_create_any_array(const redisReadTask *task, long long count) {
  tandem_reply_sink *sink = tandem_sink(task);
  int depth = 0;
  for (const redisReadTask *parent = task->parent; parent != NULL; parent = parent->parent) depth++;
  if (task->type != REDIS_REPLY_ARRAY) return tandem_object_if(sink->unsupported(sink->context));
  return tandem_object_if(sink->array(sink->context, count, depth));
}

static inline void *tandem_create_integer(const redisReadTask *task, long long number) {
  tandem_reply_sink *sink = tandem_sink(task);
  return tandem_object_if(sink->integer(sink->context, number));
}

static inline void *tandem_create_nil(const redisReadTask *task) {
  tandem_reply_sink *sink = tandem_sink(task);
  // RESP2 has only absent strings and absent arrays; RESP3's own nil is as unexpected as the rest of RESP3.
  if (task->type != REDIS_REPLY_STRING && task->type != REDIS_REPLY_ARRAY)
    return tandem_object_if(sink->unsupported(sink->context));
  return tandem_object_if(sink->nil(sink->context));
}

static inline void tandem_free_object(void *object) { (void)object; }

#if HIREDIS_MAJOR >= 1
static inline void *tandem_create_array(const redisReadTask *task, size_t count) {
  return tandem_create_any_array(task, (long long)count);
}

static inline void *tandem_create_double(const redisReadTask *task, double value, char *text, size_t count) {
  (void)value, (void)text, (void)count;
  tandem_reply_sink *sink = tandem_sink(task);
  return tandem_object_if(sink->unsupported(sink->context));
}

static inline void *tandem_create_bool(const redisReadTask *task, int value) {
  (void)value;
  tandem_reply_sink *sink = tandem_sink(task);
  return tandem_object_if(sink->unsupported(sink->context));
}
#else
static inline void *tandem_create_array(const redisReadTask *task, int count) {
  return tandem_create_any_array(task, count);
}
#endif

// Makes a reader that hands its values to `sink`, which must outlive it. NULL when there is no memory. The table is
// constant and lives as long as the program, as hiredis requires.
static inline redisReader *tandem_reader_create(tandem_reply_sink *sink) {
  static redisReplyObjectFunctions functions = {
    .createString = tandem_create_string,
    .createArray = tandem_create_array,
    .createInteger = tandem_create_integer,
    .createNil = tandem_create_nil,
    .freeObject = tandem_free_object,
#if HIREDIS_MAJOR >= 1
    .createDouble = tandem_create_double,
    .createBool = tandem_create_bool,
#endif
  };
  redisReader *reader = redisReaderCreateWithFunctions(&functions);
  if (reader != NULL) reader->privdata = sink;
  return reader;
}

// The text of the reader's error.
static inline const char *tandem_reader_error(const redisReader *reader) { return reader->errstr; }

// Bytes that the reader holds and has not parsed into a whole value.
static inline size_t tandem_reader_unparsed(const redisReader *reader) { return reader->len - reader->pos; }

// Whether the line that the reader is waiting to see the end of is already longer than `limit`. The reader looks for the
// end from the line's start each time bytes arrive, so an endless line would cost quadratic time.
static inline int tandem_reader_line_exceeds(const redisReader *reader, size_t limit) {
  return tandem_reader_unparsed(reader) > limit && memchr(reader->buf + reader->pos, '\r', limit) == NULL;
}

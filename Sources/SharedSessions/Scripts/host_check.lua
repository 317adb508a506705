#!lua flags=no-writes
-- include: core clock host answer
-- Checks a host token, and says where something it names belongs; or the first answer to a repeated request.
-- keys: host places answers
-- args: token id
--   id: a dispatch or a request ('' none)
-- reply: ok, 'session approval' of a dispatch or 'session' of a request ('' not known), dispatch id that is being cancelled;
--   or repeated with the first answer
-- fails: HOST_SESSION_NOT_FOUND, INVALID_HOST_TOKEN, IDEMPOTENCY_KEY_REUSED
local ended = enter_host_session()
if ended then return ended end
repeated()
return {'ok', id ~= '' and call('HGET', places, id) or '', H.cancelling or ''}

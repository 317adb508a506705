#!lua flags=no-writes
-- include: core host
-- Checks a host token, and says where something it names belongs.
-- keys: host places
-- args: token id
--   id: a dispatch or a request ('' none)
-- reply: ok, 'session approval' of a dispatch or 'session' of a request ('' not known), dispatch id that is being cancelled
-- fails: HOST_SESSION_NOT_FOUND, INVALID_HOST_TOKEN
local ended = enter_host_session()
if ended then return ended end
return {'ok', id ~= '' and call('HGET', places, id) or '', H.cancelling or ''}

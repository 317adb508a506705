#!lua flags=allow-oom
-- include: core clock host
-- Takes an ended session, or one that was never made, from the shared sessions of its host session, and wakes the attachment.
-- keys: host sessions
-- args: id
-- reply: ok
-- fails: HOST_SESSION_NOT_FOUND
H = fields_of(host)
if not H then return refuse('HOST_SESSION_NOT_FOUND') end
call('ZREM', sessions, id)
signal('wake')
return {'ok'}

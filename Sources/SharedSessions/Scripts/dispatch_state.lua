#!lua flags=no-writes
-- include: core session approval
-- Where a dispatch is.
-- keys: session approvals
-- args: id
-- reply: ok, its state ('' none), attempt, 'true' when its turn was told to stop
load_session()
local a = status and load_approval(id)
local d = a and a.dispatch
return {'ok', d and d.state or '', d and dec(d.attempt) or '0',
  tostring(d and note(a, 'cancelled') ~= nil or false)}

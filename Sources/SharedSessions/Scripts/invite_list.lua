#!lua flags=no-writes
-- include: core session participant caller
-- The scoped invites, oldest first; the host's to see.
-- keys: session participants credentials invites
-- args:
-- reply: ok, invites
-- fails: SESSION_NOT_FOUND ... PARTICIPANT_INACTIVE, HOST_REQUIRED
load_session()
if not status then return refuse('SESSION_NOT_FOUND') end
if status ~= 'active' then return refuse('SESSION_INACTIVE', status) end
authenticate()
if caller_role ~= 'host' then return refuse('HOST_REQUIRED') end
local list = {}
for i = 1, tonumber(call('HGET', session, 'invites') or '0') do
  local id = call('HGET', invites, 'order:' .. dec(i - 1))
  list[#list + 1] = id and call('HGET', invites, id) or nil
end
return {'ok', '[' .. table.concat(list, ',') .. ']'}

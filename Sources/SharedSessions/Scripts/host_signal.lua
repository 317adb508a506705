#!lua flags=allow-oom
-- include: core clock host
-- Tells the node that holds the attachment that requests of the agent are resolved.
-- keys: host
-- args: session_id requests...
-- reply: ok
-- fails: HOST_SESSION_NOT_FOUND
if call('EXISTS', host) == 0 then return refuse('HOST_SESSION_NOT_FOUND') end
for _, id in ipairs(requests) do signal('permission ' .. session_id .. ' ' .. id) end
return {'ok'}

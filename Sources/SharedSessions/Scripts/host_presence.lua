#!lua
-- include: core session
-- Tells a session that its host's bridge is attached, or that its lease has lapsed; the higher fence wins, and at the
-- same fence 'offline' comes last.
-- KEYS  frame    ARGV  frame, 7 fence, 8 'online' or 'offline'
-- Reply ok, 'true' when this changed it
-- Fails SESSION_NOT_FOUND, SESSION_INACTIVE
if not load_session() then return refuse('SESSION_NOT_FOUND') end
if S.status ~= 'active' then return refuse('SESSION_INACTIVE', S.status) end
local v = call('HMGET', KEYS[1], 'hostFence', 'hostOnline')
local fence, online = tonumber(v[1] or '0'), v[2] or 'offline'
local given = tonumber(ARGV[7])
if given < fence or (given == fence and (online == ARGV[8] or ARGV[8] == 'online')) then return {'ok', 'false'} end
call('HSET', KEYS[1], 'hostFence', ARGV[7], 'hostOnline', ARGV[8])
if online == ARGV[8] then return {'ok', 'false'} end
emit('host_' .. ARGV[8], '-', '{"hostSessionId":' .. quote(S.hostSessionId) .. '}')
save_sequence()
return {'ok', 'true'}

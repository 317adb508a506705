#!lua
-- include: core session
-- Tells a session that its host's bridge is attached, or that its lease has lapsed; the higher fence wins, and at the
-- same fence 'offline' comes last. From then on the prompts that wait have the grace time.
-- KEYS  frame    ARGV  frame, 7 fence, 8 'online' or 'offline', 9 grace ms ('0' none)
-- Reply ok, 'true' when this changed it
-- Fails SESSION_NOT_FOUND, SESSION_INACTIVE
if not load_session() then return refuse('SESSION_NOT_FOUND') end
if S.status ~= 'active' then return refuse('SESSION_INACTIVE', S.status) end
local v = call('HMGET', KEYS[1], 'hostFence', 'hostOnline', 'hostOfflineAt')
local fence, online, since = tonumber(v[1] or '0'), v[2] or 'offline', v[3]
local given = tonumber(ARGV[7])
if given < fence or (given == fence and (ARGV[8] == 'online' or present(since))) then return {'ok', 'false'} end
local away = ARGV[8] == 'offline'
-- A session that was shared while its host was away already counts from its own beginning.
call('HSET', KEYS[1], 'hostFence', ARGV[7], 'hostOnline', ARGV[8], 'hostOfflineAt',
  away and (present(since) and since or dec(NOW)) or '')
if online == ARGV[8] then return {'ok', 'false'} end
local ends = away and ARGV[9] ~= '0' and ',"graceEndsAt":' .. rfc3339(NOW + tonumber(ARGV[9])) or ''
emit('host_' .. ARGV[8], '-', '{"hostSessionId":' .. quote(S.hostSessionId) .. ends .. '}')
save_sequence()
return {'ok', 'true'}

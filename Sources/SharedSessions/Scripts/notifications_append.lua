#!lua
-- include: core session
-- The agent's notifications, in order, each an event of the session.
-- KEYS  frame    ARGV  frame, 7... the notifications as received
-- Reply ok, how many were appended
-- Fails SESSION_NOT_FOUND, SESSION_INACTIVE, IDEMPOTENCY_KEY_REUSED
if not load_session() then return refuse('SESSION_NOT_FOUND') end
local first = repeated()
if first then return first end
if S.status ~= 'active' then return refuse('SESSION_INACTIVE', S.status) end
for i = 7, #ARGV do emit('host_session_update', '-', '{"notification":' .. ARGV[i] .. '}') end
save_sequence()
return answer(dec(#ARGV - 6))

#!lua
-- include: core session agent
-- The agent's notifications, in order, each an event of the session. The last batches are remembered by name, so that one that
-- is sent again is appended once; of an upload in pieces the number of its last line is.
-- keys: session events
-- args: batch first changes batches_kept notifications...
--   batch: its name and the digest of what it says, joined by '@' ('' nothing to remember); of an upload, of its first line
--   first: number of the first line of this piece of an upload ('0' a batch of its own)
--   changes: what they change of what is kept of the agent, as include_agent.lua reads it ('' nothing)
-- reply: ok, how many were appended
-- fails: SESSION_NOT_FOUND, SESSION_INACTIVE, IDEMPOTENCY_KEY_REUSED
load_session()
if not status then return refuse('SESSION_NOT_FOUND') end
local name, digest = string.match(batch, '^(.*)@(.*)$')
local kept, skip = {}, 0
for known, what, line in string.gmatch(name and call('HGET', session, 'batches') or '', '(%S+)@(%S+)@(%d+)') do
  if known ~= name then
    kept[#kept + 1] = known .. '@' .. what .. '@' .. line
  elseif what ~= digest then
    return refuse('IDEMPOTENCY_KEY_REUSED')
  elseif first == '0' then
    return {'ok', '0'}
  else
    skip = tonumber(line) - tonumber(first) + 1
  end
end
if skip >= #notifications and skip > 0 then return {'ok', '0'} end
if status ~= 'active' then return refuse('SESSION_INACTIVE', status) end
skip = math.max(0, skip)
for i = skip + 1, #notifications do
  emit('host_session_update', '-', '{"notification":' .. notifications[i] .. '}')
end
if changes ~= '' then
  take_changes(session, skip)
end
if name then
  kept[#kept + 1] = batch .. '@' .. (first == '0' and '0' or dec(first + #notifications - 1))
  call('HSET', session, 'batches', table.concat(kept, ' ', math.max(1, #kept - tonumber(batches_kept) + 1)))
end
save()
return {'ok', dec(#notifications - skip)}

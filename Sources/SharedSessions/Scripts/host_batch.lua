#!lua
-- include: core clock host agent
-- Checks a host token for a batch of notifications, keeps what they change of the agent for sessions to come, and says which sessions
-- get it. The last batches are remembered by name, so that one that is sent again goes to the sessions there were at first; each
-- of those appends it once.
-- keys: host sessions agent_state
-- args: token batch first changes batches_kept host_lifetime
--   batch: its name and the digest of what it says, joined by '@' ('' nothing to remember)
--   first: number of the first line of this piece of an upload ('0' a batch of its own)
--   changes: as include_agent.lua reads them ('' none)
-- reply: ok, [shared session ids]
-- fails: HOST_SESSION_NOT_FOUND, INVALID_HOST_TOKEN, IDEMPOTENCY_KEY_REUSED
local ended = enter_host_session()
if ended then return ended end
local batches, skip, line = H.batches or '', 0, string.match(changes, '(%d+) %S+ [^\n]*\n$')
local name, digest = string.match(batch, '^(.*)@(.*)$')
local entry, known, since, done
if name then
  -- Of an upload the last line is remembered that has changed anything.
  entry, known, since, done = string.match(batches, '( ' .. name .. '@([^@%s]+)@(%d+)@?(%d*))')
  if known and known ~= digest then return refuse('IDEMPOTENCY_KEY_REUSED') end
  if known then skip = first == '0' and math.huge or (done == '' and 0 or done) - first + 1 end
end
line = line and first ~= '0' and first + line - 1 or 0
if changes ~= '' then
  take_changes(agent_state, skip)
  call('PEXPIRE', agent_state, host_lifetime)
end
if known then
  if changes ~= '' and line > (tonumber(done) or 0) then
    local from, to = string.find(batches, entry, 1, true)
    call('HSET', host, 'batches', string.sub(batches, 1, from) .. batch .. '@' .. since .. '@' .. line
      .. string.sub(batches, to + 1))
  end
  return {'ok', call('ZRANGEBYSCORE', sessions, '-inf', since)}
end
if name then
  local kept = {}
  for other in string.gmatch(batches, '%S+') do kept[#kept + 1] = other end
  -- A session that is shared later gets a later place, also within this millisecond.
  local newest = call('ZREVRANGE', sessions, 0, 0, 'WITHSCORES')[2]
  local at = math.max(NOW, tonumber(newest or '0'))
  kept[#kept + 1] = batch .. '@' .. at .. '@' .. line
  call('HSET', host, 'batchedAt', at, 'batches',
    ' ' .. table.concat(kept, ' ', math.max(1, #kept - tonumber(batches_kept) + 1)))
end
return {'ok', call('ZRANGE', sessions, 0, -1)}

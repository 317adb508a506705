-- Answers kept for a repeat of the same request. `once` is '' for a request without an Idempotency-Key, else: its name, the
-- digest of what it asks, its tokens sealed ('-' none), milliseconds it is remembered, answers and bytes of them to keep.
-- An answer is kept as `until request sealed`, then its parts, a line each: JSON text holds no raw newline.

-- The first answer to a repeated request, or nil.
-- args: once
local function repeated()
  if once == '' then return nil end
  local name, request = string.match(once, '^(%S+) (%S+)')
  local kept = call('HGET', answers, name)
  if not kept then return nil end
  local ends, first, sealed, parts = string.match(kept, '^(%d+) (%S+) (%S+)\n(.*)$')
  if tonumber(ends) <= NOW then return nil end
  if first ~= request then return refuse('IDEMPOTENCY_KEY_REUSED') end
  local reply = {'repeated', sealed}
  for part in string.gmatch(parts, '[^\n]+') do reply[#reply + 1] = part end
  return reply
end

-- Lets the oldest answers go: those that have ended, and those beyond the bounds. The bytes that stay.
local function drop_answers(bytes, most, most_bytes)
  for _ = 1, 8 do
    local oldest = call('ZRANGE', answers_order, 0, 0, 'WITHSCORES')
    if not oldest[1] then return bytes end
    local too_many = call('ZCARD', answers_order) > most or bytes > most_bytes
    if tonumber(oldest[2]) > NOW and not too_many then return bytes end
    bytes = bytes - call('HSTRLEN', answers, oldest[1])
    call('HDEL', answers, oldest[1])
    call('ZREM', answers_order, oldest[1])
  end
  return bytes
end

-- Keeps an answer of `owner`, a hash with a field for the bytes of all of its answers; it goes at `last` at the latest.
-- args: once
local function keep_answer(owner, last, parts)
  local name, request, sealed, remember, most, most_bytes = string.match(once, '^(%S+) (%S+) (%S+) (%d+) (%d+) (%d+)$')
  local ends = dec(math.min(NOW + tonumber(remember), tonumber(last)))
  local text = ends .. ' ' .. request .. ' ' .. sealed .. '\n' .. table.concat(parts, '\n')
  local bytes = tonumber(call('HGET', owner, 'answerBytes') or '0') - call('HSTRLEN', answers, name) + #text
  call('HSET', answers, name, text)
  call('ZADD', answers_order, ends, name)
  call('HSET', owner, 'answerBytes', dec(drop_answers(bytes, tonumber(most), tonumber(most_bytes))))
  call('PEXPIREAT', answers, last)
  call('PEXPIREAT', answers_order, last)
end

-- The answer; kept for a repeat when the caller sent a key.
-- args: once
local function answer(...)
  if once ~= '' then keep_answer(session, S.purge, {...}) end
  return {'ok', ...}
end

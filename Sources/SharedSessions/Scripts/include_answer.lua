-- Answers kept for a repeat of the same request. `once` is what a request with an Idempotency-Key says: its name, the digest of
-- what it asks, its tokens sealed ('-' none), milliseconds it is remembered, answers and bytes of them to keep. A request
-- without a key runs a form of the script that has none of this.
-- An answer is kept as `until request sealed`, then its parts, a line each: JSON text holds no raw newline.

-- block: repeated
-- when: once
-- Ends the script with the first answer to a repeated request.
-- args: once
do
  local name, request = string.match(once, '^(%S+) (%S+)')
  local kept = call('HGET', answers, name)
  local until_ms, first, sealed, parts = string.match(kept or '', '^(%d+) (%S+) (%S+)\n(.*)$')
  if kept and tonumber(until_ms) > NOW then
    if first ~= request then return refuse('IDEMPOTENCY_KEY_REUSED') end
    local reply = {'repeated', sealed}
    for part in string.gmatch(parts, '[^\n]+') do reply[#reply + 1] = part end
    return reply
  end
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

-- block: keep_answer owner last_until reply
-- when: once
-- Keeps a reply for `owner`, a hash with a field for the bytes of all of its answers; it goes at `last_until` at the latest.
-- args: once
local name, request, sealed, remember, most, most_bytes = string.match(once, '^(%S+) (%S+) (%S+) (%d+) (%d+) (%d+)$')
local goes = dec(math.min(NOW + tonumber(remember), tonumber(last_until)))
local text = goes .. ' ' .. request .. ' ' .. sealed .. '\n' .. table.concat(reply, '\n', 2)
local bytes = tonumber(call('HGET', owner, 'answerBytes') or '0') - call('HSTRLEN', answers, name) + #text
call('HSET', answers, name, text)
call('ZADD', answers_order, goes, name)
call('HSET', owner, 'answerBytes', dec(drop_answers(bytes, tonumber(most), tonumber(most_bytes))))
call('PEXPIREAT', answers, last_until)
call('PEXPIREAT', answers_order, last_until)

-- block: answer reply
-- Ends the script with a reply, which is kept for a repeat when the caller sent a key.
keep_answer(session, purge, reply)
return reply

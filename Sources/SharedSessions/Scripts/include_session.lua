-- A session: its hash, its events. Every script on a session loads it first, so no key of one that is gone comes back.
local S -- the session, once loaded

local function load_session()
  local v = call('HMGET', session, 'id', 'status', 'endsAt', 'purgeAt', 'mode', 'seq', 'eventBytes', 'messages',
    'messageBytes', 'closedAt')
  if not v[1] then return false end
  S = {id = v[1], status = v[2], ends = tonumber(v[3]), purge = v[4], mode = v[5], seq = tonumber(v[6]),
    bytes = tonumber(v[7]), messages = tonumber(v[8]), message_bytes = tonumber(v[9]), closed = v[10]}
  -- Expiry is true at once, whether or not anything has swept the session.
  if S.status == 'active' and S.ends <= NOW then S.status = 'expired' end
  return true
end

-- The session as it is sent; its text in the hash ends with the status, which only Redis's clock knows.
local function session_json()
  return (string.gsub(call('HGET', session, 'json'), '"%l+"}$', '"' .. S.status .. '"}'))
end

-- Writes the session's text anew from its fields; they are in the hash already.
local function write_session()
  local v = call('HMGET', session, 'workspaceId', 'hostUserId', 'hostSessionId', 'mode', 'createdAt', 'expiresAt',
    'approvalTimeout', 'viewerUpdates')
  call('HSET', session, 'json', '{"id":"' .. S.id .. '","workspaceId":' .. quote(v[1]) .. ',"hostUserId":' .. quote(v[2])
    .. ',"hostSessionId":' .. quote(v[3]) .. ',"mode":"' .. v[4] .. '","approvalRequired":'
    .. tostring(v[4] == 'prompt_with_approval') .. ',"createdAt":' .. rfc3339(tonumber(v[5]))
    .. (present(v[6]) and ',"expiresAt":' .. rfc3339(tonumber(v[6])) or '')
    .. (present(v[7]) and ',"approvalTimeoutSeconds":' .. v[7] or '')
    .. ',"viewerUpdates":"' .. v[8] .. '","status":"' .. S.status .. '"}')
end

-- Gives a key that may be new the session's own end.
local function keep(key) call('PEXPIREAT', key, S.purge) end

-- Gives all of a session's keys its end; for scripts that declare all of them.
local function keep_all()
  for _, key in ipairs(KEYS) do keep(key) end
end

-- An event as its streams get it.
local function envelope(kind, payload)
  return '{"type":"' .. kind .. '","sharedSessionId":"' .. S.id .. '","timestamp":' .. now() .. ',"payload":' .. payload
    .. '}'
end

-- Publishes on the session's shard channel. The channel is derived, never in KEYS: a channel in KEYS makes the script
-- answer TRYAGAIN for as long as its slot migrates.
local function publish(id, kind, subject, data)
  call('SPUBLISH', session .. ':live', id .. ' ' .. dec(S.seq) .. ' ' .. kind .. ' ' .. subject .. '\n' .. data)
end

-- Bounds the bytes of the events that are kept. Their total since the session began is marked in the session's hash at
-- every sixteenth of the bound, so that what lies too far back is trimmed without reading a single event again.
local function count_event_bytes(size)
  local bound = tonumber(event_bytes_kept)
  local before, step, from, marks = S.bytes, bound / 16, nil, {}
  S.bytes = before + size
  if math.floor(S.bytes / step) == math.floor(before / step) then return end
  for id, bytes in string.gmatch(call('HGET', session, 'eventMarks') or '', '(%S+)@(%d+)') do
    if tonumber(bytes) <= S.bytes - bound then from = id else marks[#marks + 1] = id .. '@' .. bytes end
  end
  marks[#marks + 1] = S.last .. '@' .. dec(S.bytes)
  call('HSET', session, 'eventMarks', table.concat(marks, ' '))
  if from then call('XTRIM', events, 'MINID', from) end
end

-- Appends an event and publishes it. `subject` is the participant it is about, or '-'.
-- args: events_kept event_bytes_kept
local function emit(kind, subject, payload)
  S.seq = S.seq + 1
  local data = envelope(kind, payload)
  S.last = call('XADD', events, 'MAXLEN', '~', events_kept, '*', 'seq', dec(S.seq), 'type', kind, 'subject', subject,
    'data', data)
  count_event_bytes(#data)
  publish(S.last, kind, subject, data)
end

-- Writes back where the session's events are now, with further fields of the session; once, after the last emit.
local function save(...)
  call('HSET', session, 'seq', dec(S.seq), 'lastEventId', S.last, 'eventBytes', dec(S.bytes), ...)
end

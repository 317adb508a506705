-- The frame of every script on one session.
--   KEYS[1] session hash   KEYS[2] events stream   KEYS[3] caller's participant hash   KEYS[4] idempotency hash
--   ARGV[1] caller's participant id ('' none)      ARGV[2] digest of the caller's token ('' none)
--   ARGV[3] events and bytes of events to keep     ARGV[4] digest of the idempotent request ('' none)
--   ARGV[5] sealed tokens to keep for a repeat     ARGV[6] milliseconds an Idempotency-Key is remembered
-- Own arguments begin at KEYS[5] and ARGV[7]. With an idempotent request the last key is the zset of kept answers.
local S -- the session, once loaded

local function load_session()
  local v = call('HMGET', KEYS[1], 'id', 'workspaceId', 'hostSessionId', 'hostUserId', 'mode', 'status', 'createdAt',
    'expiresAt', 'endsAt', 'purgeAt', 'seq', 'lastEventId', 'hostParticipantId', 'approvalTimeout',
    'eventBytes', 'viewerUpdates')
  if not v[1] then return false end
  S = {id = v[1], workspaceId = v[2], hostSessionId = v[3], hostUserId = v[4], mode = v[5], status = v[6],
    createdAt = v[7], expiresAt = v[8], endsAt = v[9], purgeAt = v[10], seq = tonumber(v[11]), last = v[12],
    hostParticipantId = v[13], approvalTimeout = v[14], bytes = tonumber(v[15] or 0), viewerUpdates = v[16] or 'all'}
  -- Expiry is true at once, whether or not anything has swept the session.
  if S.status == 'active' and tonumber(S.endsAt) <= NOW then S.status = 'expired' end
  return true
end

local function session_json()
  local expires = present(S.expiresAt) and ',"expiresAt":' .. rfc3339(tonumber(S.expiresAt)) or ''
  local timeout = present(S.approvalTimeout) and ',"approvalTimeoutSeconds":' .. S.approvalTimeout or ''
  return '{"id":"' .. S.id .. '","workspaceId":' .. quote(S.workspaceId) .. ',"hostUserId":' .. quote(S.hostUserId)
    .. ',"hostSessionId":' .. quote(S.hostSessionId) .. ',"mode":"' .. S.mode .. '","approvalRequired":'
    .. tostring(S.mode == 'prompt_with_approval') .. ',"createdAt":' .. rfc3339(tonumber(S.createdAt)) .. expires .. timeout
    .. ',"viewerUpdates":"' .. S.viewerUpdates .. '","status":"' .. S.status .. '"}'
end

-- Gives a key of this session the session's own end; a key without one would outlive it.
local function keep(key) call('PEXPIREAT', key, S.purgeAt) end

-- The event's JSON text, and its publication on the session's shard channel. The channel is derived, never in KEYS:
-- a channel in KEYS makes the script answer TRYAGAIN for as long as its slot migrates.
local function envelope(kind, payload)
  return '{"type":"' .. kind .. '","sharedSessionId":"' .. S.id .. '","timestamp":' .. rfc3339(NOW) .. ',"payload":'
    .. payload .. '}'
end
local function publish(id, kind, subject, data)
  call('SPUBLISH', KEYS[1] .. ':live', id .. ' ' .. dec(S.seq) .. ' ' .. kind .. ' ' .. subject .. '\n' .. data)
end

-- Bounds the bytes of the events that are kept. Their total since the session began is marked in the session's hash at
-- every sixteenth of the bound, so that what lies too far back is trimmed without reading a single event again.
local function bound_bytes(size, bound)
  local before, step, from, marks = S.bytes, bound / 16, nil, {}
  S.bytes = before + size
  if math.floor(S.bytes / step) == math.floor(before / step) then return end
  for id, bytes in string.gmatch(call('HGET', KEYS[1], 'eventMarks') or '', '(%S+)@(%d+)') do
    if tonumber(bytes) <= S.bytes - bound then from = id else marks[#marks + 1] = id .. '@' .. bytes end
  end
  marks[#marks + 1] = S.last .. '@' .. dec(S.bytes)
  call('HSET', KEYS[1], 'eventMarks', table.concat(marks, ' '))
  if from then call('XTRIM', KEYS[2], 'MINID', from) end
end

-- Appends an event and publishes it. `subject` is the participant it is about, or '-'.
local function emit(kind, subject, payload)
  S.seq = S.seq + 1
  local data = envelope(kind, payload)
  local events, bytes = string.match(ARGV[3], '^(%d+) (%d+)$')
  S.last = call('XADD', KEYS[2], 'MAXLEN', '~', events, '*', 'seq', dec(S.seq), 'type', kind, 'subject', subject,
    'at', dec(NOW), 'data', data)
  bound_bytes(#data, tonumber(bytes))
  publish(S.last, kind, subject, data)
end

-- Writes back where the session's events are now; once, after the last emit.
local function save_sequence()
  call('HSET', KEYS[1], 'seq', dec(S.seq), 'lastEventId', S.last, 'eventBytes', dec(S.bytes))
end

-- The first answer to a repeated request, or nil.
local function repeated()
  if ARGV[4] == '' then return nil end
  local kept = call('HMGET', KEYS[4], 'request', 'reply', 'sealed')
  if not kept[1] then return nil end
  if kept[1] ~= ARGV[4] then return refuse('IDEMPOTENCY_KEY_REUSED') end
  local reply = {'repeated', kept[3] or ''}
  for part in string.gmatch(kept[2], '[^\n]+') do reply[#reply + 1] = part end
  return reply
end

-- The answer; kept for a repeat when the caller sent a key. JSON text holds no raw newline, so it can separate.
local function answer(...)
  local parts = {...}
  if ARGV[4] ~= '' then
    call('HSET', KEYS[4], 'request', ARGV[4], 'reply', table.concat(parts, '\n'), 'sealed', ARGV[5])
    local ends = dec(math.min(NOW + tonumber(ARGV[6]), tonumber(S.purgeAt)))
    call('PEXPIREAT', KEYS[4], ends)
    local kept = KEYS[#KEYS]
    call('ZREMRANGEBYSCORE', kept, '-inf', dec(NOW))
    call('ZADD', kept, ends, string.match(KEYS[4], '[^:]+$'))
    keep(kept)
  end
  return {'ok', unpack(parts)}
end

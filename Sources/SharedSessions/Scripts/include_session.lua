-- A session: what it is now, and its events. Every script on a session loads it first, so no key of one that is gone comes back.
-- The field `state` of its hash holds what scripts need and change most, in two lines:
--   rules  status, mode, when it ends and when its keys go in ms, when it was closed in ms ('-' it was not), what viewers see,
--          seconds an approval may stay pending ('-' no limit), host session id; ` needed=N` where more than one must agree
--   log    id of its newest event, bytes of its events since it began, messages and their bytes, approvals' bytes and how many
--          there ever were

local status, mode, ends, purge, closed, viewer_updates, approval_timeout, host_session_id

-- Redis's time in milliseconds.
local NOW

-- block: tell_time
-- The session's keys go at a known time, so how long they have tells what it is now, without a reply to take apart.
NOW = purge - call('PTTL', session)
if NOW > purge + 0 then
  local time = call('TIME')
  NOW = time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Now as a quoted time, formatted once. Quoted times have one length, so they compare as texts.
local now_text
local function now()
  now_text = now_text or rfc3339(NOW)
  return now_text
end

local last_ms, seq, event_bytes, message_count, message_bytes, approval_bytes, approval_count

-- The id of the newest event: its time, which never goes back, and its place in the session's contiguous count.
local last

-- The session's id, as its key holds it.
local session_id = string.sub(session, -37, -2)

-- The first line of the session's state.
local rules

-- block: load_session
-- Loads the session; `status` stays nil when there is none.
local session_state = call('HGET', session, 'state')
if session_state then
  rules, status, mode, ends, purge, closed, viewer_updates, approval_timeout, host_session_id =
    string.match(session_state, '^((%l+) (%S+) (%d+) (%d+) (%S+) (%l+) (%S+) (%S+)[^\n]*)')
  read_log()
end

-- block: load_rules
-- The same for what a caller does: but `closed` and `viewer_updates`, which `load_other_rules` adds for who writes the rules.
local session_state = call('HGET', session, 'state')
if session_state then
  rules, status, mode, ends, purge, approval_timeout, host_session_id =
    string.match(session_state, '^((%l+) (%S+) (%d+) (%d+) %S+ %l+ (%S+) (%S+)[^\n]*)')
  read_log()
end

-- block: load_other_rules
closed, viewer_updates = string.match(rules, '^%S+ %S+ %S+ %S+ (%S+) (%l+)')

-- block: read_log
-- The session's log and time, when it was loaded. Expiry is true at once, whether or not anything has swept the session.
last, last_ms, seq, event_bytes, message_count, message_bytes, approval_bytes, approval_count =
  string.match(session_state, '^((%d+)%-(%d+)) (%d+) (%d+) (%d+) (%d+) (%d+)', #rules + 2)
tell_time()
if status == 'active' and ends + 0 <= NOW then status = 'expired' end

-- block: look_at_session
-- Only what a reader needs of it: its `session_state` and `status`.
local session_state = call('HGET', session, 'state')
if session_state then
  status, ends, purge = string.match(session_state, '^(%l+) %S+ (%d+) (%d+)')
  tell_time()
  if status == 'active' and ends + 0 <= NOW then status = 'expired' end
end

-- How many have to agree to a prompt, as it is to be written.
local approvals_needed

-- block: change_rules
-- Takes over what was changed in the rules; `save` writes them.
rules = status .. ' ' .. mode .. ' ' .. ends .. ' ' .. purge .. ' ' .. closed .. ' ' .. viewer_updates .. ' '
  .. approval_timeout .. ' ' .. host_session_id .. ((approvals_needed or 1) + 0 > 1 and ' needed=' .. approvals_needed or '')

-- block: save
-- Writes back what the session is, where its events are now and what is counted; once, after the last of it.
call('HSET', session, 'state', rules .. '\n' .. last .. ' ' .. event_bytes .. ' ' .. message_count .. ' ' .. message_bytes .. ' '
  .. approval_bytes .. ' ' .. approval_count)

-- The session as it is sent; its text in the hash ends with the status, which only Redis's clock knows.
local function session_json()
  return (string.gsub(call('HGET', session, 'json'), '"%l+"}$', '"' .. status .. '"}'))
end

-- Writes the session's text anew from its fields; they are in the hash already.
local function write_session()
  local v = call('HMGET', session, 'workspaceId', 'hostUserId', 'createdAt', 'expiresAt')
  call('HSET', session, 'json', '{"id":"' .. session_id .. '","workspaceId":' .. quote(v[1]) .. ',"hostUserId":'
    .. quote(v[2]) .. ',"hostSessionId":' .. quote(host_session_id) .. ',"mode":"' .. mode .. '","approvalRequired":'
    .. tostring(mode == 'prompt_with_approval') .. ',"createdAt":' .. rfc3339(tonumber(v[3]))
    .. (present(v[4]) and ',"expiresAt":' .. rfc3339(tonumber(v[4])) or '')
    .. (approval_timeout ~= '-' and ',"approvalTimeoutSeconds":' .. approval_timeout or '')
    .. ((approvals_needed or 1) + 0 > 1 and ',"approvalsNeeded":' .. approvals_needed or '')
    .. ',"viewerUpdates":"' .. viewer_updates .. '","status":"' .. status .. '"}')
end

-- block: keep key
-- Gives a key that may be new the session's own end.
call('PEXPIREAT', key, purge)

-- Gives all of a session's keys its end; for scripts that declare all of them.
local function keep_all()
  for _, key in ipairs(KEYS) do call('PEXPIREAT', key, purge) end
end

-- block: begin_event
-- Takes the next id; an event and the message it tells of have the same one.
seq = seq + 1
if NOW > last_ms + 0 then last_ms = NOW end
last = last_ms .. '-' .. seq

-- block: write_event kind subject *more *payload
-- Appends the event that was begun and publishes the same text, followed by `more`: a line `id kind subject`, then the payload.
-- `subject` is the participant it is about, or '-'. Events beyond the bound are cut off a few at a time.
-- The bytes of the events that are kept are bounded: their total since the session began is marked in its hash at every
-- sixteenth of the bound, so that what lies too far back is trimmed without reading a single event again.
-- The channel is derived, never in KEYS: a channel in KEYS makes the script answer TRYAGAIN while its slot migrates.
-- args: events_kept event_bytes_kept
local event = last .. ' ' .. kind .. ' ' .. subject .. '\n' .. payload
call('XADD', events, last, 'event', event)
if seq % 16 == 0 then call('XTRIM', events, 'MAXLEN', '~', events_kept) end
event_bytes = event_bytes + #event
if event_bytes % (event_bytes_kept / 16) < #event then
  local from, marks = nil, {}
  for id, bytes in string.gmatch(call('HGET', session, 'eventMarks') or '', '(%S+)@(%d+)') do
    if tonumber(bytes) <= event_bytes - event_bytes_kept then from = id else marks[#marks + 1] = id .. '@' .. bytes end
  end
  marks[#marks + 1] = last .. '@' .. event_bytes
  call('HSET', session, 'eventMarks', table.concat(marks, ' '))
  if from then call('XTRIM', events, 'MINID', from) end
end
call('SPUBLISH', session .. ':live', event .. more)

-- block: emit kind subject *payload
-- Appends an event and publishes it.
begin_event()
write_event(kind, subject, '', payload)

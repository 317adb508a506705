-- Approvals. A record is the approval as it is sent, in this order:
--   head    {"id","sharedSessionId","participantId","kind","createdAt"
--   status  ,"status"
--   more    what it has come to: ,"expiresAt" ,"resolvedAt" ,"resolvedByParticipantId" ,"reason" ,"optionId" ,"editedPrompt"
--           ,"errorMessage"
--   dispatch  ,"dispatch":{"id","state","attempt"[,"startedAt"][,"endedAt"][,"stopReason"]}
--   tail    ,"prompt" and what the agent said, to the end
-- Texts of people have every quote escaped and the agent's JSON comes last, so the parts are found by their names.
-- Beside it, under `ID:notes`, are words the service needs: n (its number), hash (of the prompt), turn (dispatch it belongs
-- to), cancelled, reported (ms), by (who failed it), resolved (ms).

-- The order of all approvals: a zset of their numbers, in bands of what they wait for. The newest of what waits comes last.
local OVER, LIVE, PENDING, ASKED = -2, -1, 0, 1
local BAND = 2e15

local function place(a, band) call('ZADD', order, dec(band * BAND + a.number), a.id) end

local function note(a, name) return string.match(a.notes, ' ' .. name .. '=(%S+)') end

local function add_note(a, name, value) a.notes = a.notes .. ' ' .. name .. '=' .. value end

-- An approval as a table of its parts; nil when there is none of this id.
local function load_approval(id)
  local v = call('HMGET', approvals, id, id .. ':notes')
  if not v[1] or not v[2] then return nil end
  local from = string.find(v[1], ',"prompt":', 1, true)
  local head, status, more = string.match(string.sub(v[1], 1, from - 1), '^(.-),"status":"(%l+)"(.*)$')
  local a = {id = id, head = head, status = status, more = more, tail = string.sub(v[1], from), notes = v[2],
    size = #v[1], author = string.sub(head, 120, 155), kind = string.match(head, '^%l+', 166)}
  a.number = tonumber(note(a, 'n'))
  local at = string.find(more, ',"dispatch":{', 1, true)
  if at then
    local d, state, attempt, rest = string.match(more, '"id":"([^"]+)","state":"(%l+)","attempt":(%d+)(.*)}$', at)
    a.more, a.dispatch = string.sub(more, 1, at - 1), {id = d, state = state, attempt = tonumber(attempt), more = rest}
  end
  return a
end

-- A pending approval whose time is over is expired at once, whether or not anything has swept it.
local function is_pending(a)
  if a.status ~= 'pending' then return false end
  local ends = string.match(a.more, '^,"expiresAt":("[^"]+")')
  return not ends or ends > now()
end

-- The refusal for the one who came too late: how it was resolved, and the record of who did.
local function already_resolved(a)
  local by = string.match(a.more, ',"resolvedByParticipantId":"([^"]+)"')
  return refuse('APPROVAL_ALREADY_RESOLVED', a.status == 'pending' and 'expired' or a.status,
    by and call('HGET', participants, by) or '')
end

local function dispatch_json(a)
  local d = a.dispatch
  return '{"id":"' .. d.id .. '","state":"' .. d.state .. '","attempt":' .. d.attempt .. d.more .. '}'
end

local function approval_text(a, status)
  return a.head .. ',"status":"' .. status .. '"' .. a.more
    .. (a.dispatch and ',"dispatch":' .. dispatch_json(a) or '') .. a.tail
end

-- An approval as it is sent.
local function approval_json(a)
  return approval_text(a, a.status == 'pending' and not is_pending(a) and 'expired' or a.status)
end

-- Writes an approval back, in its band of the order, and counts the bytes of all of them.
local function save_approval(a, band)
  local text = approval_text(a, a.status)
  call('HSET', approvals, a.id, text, a.id .. ':notes', a.notes)
  if band then place(a, band) end
  S.approval_bytes = (S.approval_bytes or tonumber(call('HGET', session, 'approvalBytes'))) + #text - a.size
  a.size = #text
end

-- `position` is the place in the session's queue, counted from 1, of a prompt that was just queued.
local function approval_payload(a, participant, position)
  return '{"approval":' .. approval_json(a) .. ',"participant":' .. participant
    .. (position and ',"position":' .. dec(position) or '') .. '}'
end

-- Writes back what `save` does, and the bytes of the approvals that were saved.
local function save_with_approvals(...) save('approvalBytes', dec(S.approval_bytes), ...) end

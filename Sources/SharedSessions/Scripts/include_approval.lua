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

-- block: place id number band
call('ZADD', order, band == 0 and number or string.format('%.0f', band * BAND + number), id)

-- block: add_note a name value
a.notes = a.notes .. ' ' .. name .. '=' .. value

local function note(a, name) return string.match(a.notes, ' ' .. name .. '=(%S+)') end

-- The approval that was found last.
local found

-- block: find_approval id
-- An approval as a table of its parts, in `found`; nil when there is none of this id.
found = nil
local kept = call('HMGET', approvals, id, id .. ':notes')
local text, notes = kept[1], kept[2]
if text and notes then
  local from = string.find(text, ',"prompt":', 1, true)
  local at, before_more, word = string.find(text, ',"status":"(%l+)"', 170)
  found = {id = id, head = string.sub(text, 1, at - 1), status = word, more = string.sub(text, before_more + 1, from - 1),
    tail = string.sub(text, from), notes = notes, size = #text, author = string.sub(text, 120, 155),
    kind = string.match(text, '^%l+', 166), number = string.match(notes, '^ n=(%d+)') + 0}
  local dispatched = string.find(found.more, ',"dispatch":{', 1, true)
  if dispatched then
    local d, state, attempt, rest =
      string.match(found.more, '"id":"([^"]+)","state":"(%l+)","attempt":(%d+)(.*)}$', dispatched)
    found.more = string.sub(found.more, 1, dispatched - 1)
    found.dispatch = {id = d, state = state, attempt = tonumber(attempt), more = rest}
  end
end

-- The same, as a function.
local function load_approval(id)
  find_approval(id)
  return found
end

-- A pending approval whose time is over is expired at once, whether or not anything has swept it.
local function is_pending(a)
  if a.status ~= 'pending' then return false end
  local expires = string.match(a.more, '^,"expiresAt":("[^"]+")')
  return not expires or expires > now()
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

-- An approval that was loaded, as it is sent.
local function approval_json(a)
  return a.head .. ',"status":"' .. (a.status == 'pending' and not is_pending(a) and 'expired' or a.status) .. '"' .. a.more
    .. (a.dispatch and ',"dispatch":' .. dispatch_json(a) or '') .. a.tail
end

-- The approval that was saved last, as it is sent.
local saved

-- block: save_approval a
-- Writes an approval back, and counts the bytes of all of them.
saved = a.head .. ',"status":"' .. a.status .. '"' .. a.more
if a.dispatch then
  local d = a.dispatch
  saved = saved .. ',"dispatch":{"id":"' .. d.id .. '","state":"' .. d.state .. '","attempt":' .. d.attempt .. d.more .. '}'
end
saved = saved .. a.tail
call('HSET', approvals, a.id, saved, a.id .. ':notes', a.notes)
approval_bytes = approval_bytes + #saved - a.size
a.size = #saved

-- block: move_approval a band
-- The same, in another band of the order.
save_approval(a)
place(a.id, a.number, band)

-- block: emit_saved kind subject participant more
-- Tells of the approval that was saved last: whose it is or who decided, and further members.
begin_event()
write_event(kind, subject, '{"approval":' .. saved .. ',"participant":' .. participant .. more .. '}', '')

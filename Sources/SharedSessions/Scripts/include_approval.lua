-- Approvals. A record is the approval as it is sent, in this order:
--   head    {"id","sharedSessionId","participantId","kind","createdAt"
--   status  ,"status"
--   more    what it has come to: ,"expiresAt" ,"resolvedAt" ,"resolvedByParticipantId" ,"reason" ,"optionId" ,"editedPrompt"
--           ,"errorMessage"
--   dispatch  ,"dispatch":{"id","state","attempt"[,"startedAt"][,"endedAt"][,"stopReason"]}
--   tail    ,"prompt" and what belongs to its kind: ,"control" of a control, what the agent said of a request; ,"delivery" comes last
-- What people propose, a prompt or a control, is dispatched when it is approved; what the agent asks is answered.
-- Texts of people have every quote escaped and the agent's JSON comes last, so the parts are found by their names.
-- Beside it, under `ID:notes`, are words the service needs: author and hash (of a prompt), turn (dispatch it belongs to),
-- cancelled, stopped (`approval@participant` that interrupted it), by (who failed it); under `ID:reported` when the bridge last said something of its turn, in ms.

-- The order of all approvals: a zset of their numbers, in bands of what they wait for. The newest of what waits comes last.
-- What is over stands two bands below what is pending, what is approved and not yet over one below it, what the agent asks one
-- above it. An approval only ever goes down.
local LIVE_FROM, PENDING_FROM, ASKED_FROM = '-2000000000000000', '0', '2000000000000000'

local ONE_BAND, TWO_BANDS, THREE_BANDS = '-2000000000000000', '-4000000000000000', '-6000000000000000'

-- The number of an approval from its place in the order.
local function number_of(place) return place % ASKED_FROM end

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
    kind = string.match(text, '^%l+', 166)}
  found.proposed = found.kind == 'prompt' or found.kind == 'control'
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

-- What is to be done for what was proposed, as the dispatch says it: the text, or what is to be set.
local function work_of(a)
  if a.kind == 'control' then return string.sub(a.tail, string.find(a.tail, ',"control":', 1, true) + 1, -2) end
  local _, edited = string.find(a.more, ',"editedPrompt":', 1, true)
  local ends = string.sub(a.tail, -24) == ',"delivery":"interrupt"}' and -25 or -2
  if not edited then return string.sub(a.tail, 2, ends) end
  local blocks = string.find(a.tail, ',"content":', 1, true)
  return '"prompt":' .. string.sub(a.more, edited + 1)
    .. (blocks and ',"isEdited":true' .. string.sub(a.tail, blocks, ends) or '')
end

local function note(a, name) return string.match(a.notes, ' ' .. name .. '=(%S+)') end

-- block: add_note a name value
a.notes = a.notes .. ' ' .. name .. '=' .. value

local function dispatch_json(a)
  local d = a.dispatch
  return '{"id":"' .. d.id .. '","state":"' .. d.state .. '","attempt":' .. d.attempt .. d.more .. '}'
end

-- An approval that was loaded, as it is sent. A pending one whose time is over is expired at once, whether or not anything has
-- swept it.
local function approval_json(a)
  local expires = a.status == 'pending' and string.match(a.more, '^,"expiresAt":("[^"]+")')
  return a.head .. ',"status":"' .. (expires and expires <= now() and 'expired' or a.status) .. '"' .. a.more
    .. (a.dispatch and ',"dispatch":' .. dispatch_json(a) or '') .. a.tail
end

-- The approval that was saved last, as it is sent.
local saved

-- block: save_approval a
-- Writes an approval back, and counts the bytes of all of them.
saved = a.head .. ',"status":"' .. a.status .. '"' .. a.more .. (a.dispatch and ',"dispatch":' .. dispatch_json(a) or '') .. a.tail
call('HSET', approvals, a.id, saved, a.id .. ':notes', a.notes)
approval_bytes = approval_bytes + #saved - a.size
a.size = #saved

-- block: finish_approval a
-- The same for one whose dispatch is over.
save_approval(a)
call('ZINCRBY', order, ONE_BAND, a.id)

-- block: emit_saved kind subject *participant *more
-- Tells of the approval that was saved last: whose it is or who decided, and further members.
begin_event()
write_event(kind, subject, '', '{"approval":' .. saved .. ',"participant":' .. participant .. more .. '}')

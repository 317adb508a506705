-- What waits for a decision: how it comes, is found and goes.

-- block: add_approval id author kind at band notes *state *tail
-- Makes an approval, in `saved`. `at` is now as JSON, `band` where its band of the order begins, `state` the JSON from the word of
-- its status on, `tail` that from `,"prompt":` to the closing brace.
approval_count = approval_count + 1
saved = '{"id":"' .. id .. '","sharedSessionId":"' .. session_id .. '","participantId":"' .. author .. '","kind":"' .. kind
  .. '","createdAt":' .. at .. ',"status":"' .. state .. tail
call('HSET', approvals, id, saved, id .. ':notes', notes)
call('ZADD', order, band + approval_count, id)
if approval_bytes + 0 == 0 then
  keep(approvals)
  keep(order)
end
approval_bytes = approval_bytes + #saved

-- The record that was read last, nil when there is none: its text, where its state ends in it, its kind and state, and what says
-- when it expires ('' never).
local record, state_end, record_kind, record_state, expiry

-- block: read_record id
record = call('HGET', approvals, id)
if record then
  local _
  _, state_end, record_kind, record_state = string.find(record, '^(%l+)","createdAt":"[^"]+","status":"(%l+)"', 166)
  expiry = string.sub(record, state_end + 1, state_end + 13) == ',"expiresAt":' and string.sub(record, state_end + 1, state_end + 39)
    or ''
end

-- block: refuse_resolved
-- Ends the script for who comes too late: how the record that was read was resolved, and who did. What has no more time is
-- expired at once, whether or not anything has swept it.
if record_state ~= 'pending' or expiry ~= '' and string.sub(expiry, 14) <= rfc3339(NOW) then
  local by = string.match(string.sub(record, state_end, string.find(record, ',"prompt":', state_end, true)),
    ',"resolvedByParticipantId":"([^"]+)"')
  return refuse('APPROVAL_ALREADY_RESOLVED', record_state == 'pending' and 'expired' or record_state,
    by and call('HGET', participants, by) or '')
end

-- block: settle id word bands *more
-- Ends the wait of the pending record that was read, in `saved`. `bands` says how far it goes down in the order, `more` who
-- decided and what they said.
saved = string.sub(record, 1, state_end - 8) .. word .. '"' .. expiry .. ',"resolvedAt":' .. rfc3339(NOW) .. more
  .. string.sub(record, state_end + #expiry + 1)
call('HSET', approvals, id, saved)
call('ZINCRBY', order, bands, id)
if expiry ~= '' then call('ZREM', deadlines, id) end
approval_bytes = approval_bytes + #saved - #record

-- Expires what was proposed and tells the streams.
local function expire(id, author, subject)
  read_record(id)
  settle(id, 'expired', TWO_BANDS, '')
  emit_saved('prompt_expired', subject, participant_of(author), '')
end

-- Withdraws a request of the agent and tells the streams. `reason` is one of turn_cancelled, turn_ended, turn_failed,
-- agent_withdrew, session_closed, session_expired.
local function withdraw_request(id, reason)
  read_record(id)
  settle(id, 'withdrawn', THREE_BANDS, ',"reason":"' .. reason .. '"')
  emit('permission_withdrawn', '-', '{"approval":' .. saved .. ',"reason":"' .. reason .. '"}')
end

-- Withdraws the requests of the agent that wait in a turn; their ids.
local function withdraw_requests(turn, reason)
  local withdrawn = {}
  for _, id in ipairs(call('ZRANGEBYSCORE', order, ASKED_FROM, '+inf')) do
    if string.find(call('HGET', approvals, id .. ':notes') or '', ' turn=' .. turn, 1, true) then
      withdraw_request(id, reason)
      withdrawn[#withdrawn + 1] = id
    end
  end
  return withdrawn
end

-- block: propose
-- What is proposed waits for a decision, or is approved by its author and queued. `other_id`: of its dispatch then; `delivery`:
-- interrupt, or '' behind what waits.
-- args: dispatch_timeout
local state, band, kind, at, due = 'pending"', PENDING_FROM, 'prompt_pending_approval', rfc3339(NOW), ''
if right == 'direct' then
  if delivery == '' then
    enqueue(id)
  else
    interrupt(id)
  end
  band, kind, due = LIVE_FROM, 'prompt_approved', dispatch_timeout
  state = 'approved","resolvedAt":' .. at .. ',"resolvedByParticipantId":"' .. caller .. '","dispatch":{"id":"' .. other_id
    .. '","state":"queued","attempt":0}'
elseif approval_timeout ~= '-' then
  due = approval_timeout * 1000
  state = 'pending","expiresAt":' .. rfc3339(NOW + due)
  call('ZADD', deadlines, NOW + due, id)
  keep(deadlines)
end

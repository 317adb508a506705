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

-- block: refuse_vote
-- Ends the script where approving the record that was read is a vote: where more than one must agree, or some have before.
-- args: action
if action == 'approve' and not asks and (string.find(rules, ' needed=', 1, true)
  or string.sub(record, state_end + #expiry + 1, state_end + #expiry + 9) == ',"votes":') then
  return refuse('votes')
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

-- block: change_record text
-- Puts a text in place of the record that was read, before it is written.
approval_bytes = approval_bytes + #text - #record
record = text

-- block: find_turn of dispatch
-- The approval whose turn runs, in `found`; ends the script when it does not. A turn that was told to stop asks no more:
-- whatever waited for an answer has been withdrawn.
find_approval(of)
if not found or not found.dispatch or found.dispatch.id ~= dispatch then return refuse('DISPATCH_NOT_FOUND') end
if found.dispatch.state ~= 'started' or note(found, 'cancelled') then return refuse('DISPATCH_CONFLICT', 'permission') end

-- block: refuse_too_many kind
-- Ends the script when as much of what the agent asks waits as may.
-- args: most_asked
if call('ZCOUNT', order, ASKED_FROM, '+inf') >= most_asked + 0 then return refuse('APPROVAL_LIMIT', kind) end

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
  emit(record_kind .. '_withdrawn', '-', '{"approval":' .. saved .. ',"reason":"' .. reason .. '"}')
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

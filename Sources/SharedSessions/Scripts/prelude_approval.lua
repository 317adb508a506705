-- Approvals and their dispatch as JSON, and the steps several scripts take with them.
local function dispatch_json(a)
  return '{"id":"' .. a.dispatchId .. '","state":"' .. a.dispatchState .. '","attempt":' .. a.attempt
    .. (present(a.startedAt) and ',"startedAt":' .. rfc3339(tonumber(a.startedAt)) or '')
    .. (present(a.endedAt) and ',"endedAt":' .. rfc3339(tonumber(a.endedAt)) or '')
    .. (present(a.stopReason) and ',"stopReason":' .. quote(a.stopReason) or '') .. '}'
end

-- A pending approval whose time is over is expired at once, whether or not anything has swept it.
local function is_pending(a)
  return a.status == 'pending' and not (present(a.expiresAt) and tonumber(a.expiresAt) <= NOW)
end

-- How an approval was resolved, for the one who came too late.
local function resolution(a)
  local status = a.status == 'pending' and not is_pending(a) and 'expired' or a.status
  return status .. (present(a.resolvedByName) and ' by ' .. a.resolvedByName or '')
end

-- What a permission request has beyond what every approval has; nothing for a prompt.
local function permission_json(a)
  if a.kind ~= 'permission' then return '' end
  return ',"dispatchId":"' .. a.turn .. '","toolCall":' .. a.toolCall .. ',"options":' .. a.options
    .. (present(a.optionId) and ',"optionId":' .. quote(a.optionId) or '')
end

local function approval_json(a)
  local status = a.status == 'pending' and not is_pending(a) and 'expired' or a.status
  return '{"id":"' .. a.id .. '","sharedSessionId":"' .. S.id .. '","participantId":"' .. a.participantId
    .. '","kind":"' .. (a.kind or 'prompt') .. '","prompt":' .. quote(a.prompt) .. ',"status":"' .. status
    .. '","createdAt":' .. rfc3339(tonumber(a.createdAt))
    .. (present(a.expiresAt) and ',"expiresAt":' .. rfc3339(tonumber(a.expiresAt)) or '')
    .. (present(a.resolvedAt) and ',"resolvedAt":' .. rfc3339(tonumber(a.resolvedAt)) or '')
    .. (present(a.resolvedBy) and ',"resolvedByParticipantId":"' .. a.resolvedBy .. '"' or '')
    .. (present(a.reason) and ',"reason":' .. quote(a.reason) or '')
    .. (present(a.editedPrompt) and ',"editedPrompt":' .. quote(a.editedPrompt) or '')
    .. (present(a.errorMessage) and ',"errorMessage":' .. quote(a.errorMessage) or '')
    .. (present(a.dispatchId) and ',"dispatch":' .. dispatch_json(a) or '') .. permission_json(a) .. '}'
end

-- `position` is the place in the session's queue, counted from 1, of a prompt that was just queued.
local function approval_payload(a, participant, position)
  return '{"approval":' .. approval_json(a) .. ',"participant":' .. participant
    .. (position and ',"position":' .. dec(position) or '') .. '}'
end

-- Sets fields in the hash and in the table alike.
local function set(key, a, ...)
  local pairs_ = {...}
  for i = 1, #pairs_, 2 do a[pairs_[i]] = pairs_[i + 1] end
  call('HSET', key, ...)
end

-- Puts an approved prompt at the end of the queue. Approval order is the time in microseconds, so that it can be
-- compared over the sessions of one host; within a session it never ties. Returns its place, counted from 1.
local function enqueue(key, queue, a, dispatch_id, timeout)
  local last = call('ZREVRANGE', queue, 0, 0, 'WITHSCORES')[2]
  local order = NOW_US
  if last and tonumber(last) >= order then order = tonumber(last) + 1 end
  set(key, a, 'dispatchId', dispatch_id, 'dispatchState', 'queued', 'attempt', '0', 'order', dec(order),
    'startBy', dec(NOW + tonumber(timeout)))
  call('ZADD', queue, dec(order), a.id)
  keep(queue)
  return call('ZCARD', queue)
end

-- Ends a dispatch as failed, with the approval, and tells the streams.
local function fail_dispatch(key, queue, a, message)
  set(key, a, 'dispatchState', 'failed', 'endedAt', dec(NOW), 'status', 'failed', 'errorMessage', message)
  call('ZREM', queue, a.id)
  emit('prompt_dispatch_failed', '-', '{"approvalId":"' .. a.id .. '","dispatchId":"' .. a.dispatchId .. '","error":'
    .. quote(message) .. '}')
end

-- The permission requests that wait for an answer, as pairs of key and table: KEYS[list] is the hash of their ids and
-- turns, KEYS[first] and on are `count` hashes of them. `turn` is the dispatch they must belong to ('' any). nil when
-- those are not (any longer) all there are.
local function waiting_permissions(list, first, count, turn)
  local flat, expected, number = call('HGETALL', KEYS[list]), {}, 0
  for i = 1, #flat, 2 do
    if turn == '' or flat[i + 1] == turn then
      expected[flat[i]], number = true, number + 1
    end
  end
  if number ~= count then return nil end
  local found = {}
  for i = first, first + count - 1 do
    local a = hash(KEYS[i])
    if not a or not expected[a.id] then return nil end
    expected[a.id] = nil
    found[#found + 1] = {KEYS[i], a}
  end
  return found
end

-- Takes them back and tells the streams. `reason` is one of turn_cancelled, turn_ended, turn_failed, agent_withdrew,
-- session_closed, session_expired.
local function withdraw_permissions(list, found, reason)
  for _, entry in ipairs(found) do
    local key, a = entry[1], entry[2]
    call('HDEL', KEYS[list], a.id)
    set(key, a, 'status', 'withdrawn', 'resolvedAt', dec(NOW), 'reason', reason)
    emit('permission_withdrawn', '-', '{"approval":' .. approval_json(a) .. ',"reason":"' .. reason .. '"}')
  end
end

#!lua flags=no-writes
-- include: core session participant caller reader approval list agent
-- A session with its participants and approvals, and the event id all of that was true at. What cannot hold everything
-- holds what waits for a decision first.
-- keys: session participants credentials presence approvals order
-- args: most most_bytes
--   most: participants, and approvals, at most; most_bytes: of approvals
-- reply: ok, session, participants in join order, approvals newest first, cursor, 'true' when something was left out,
--   the caller's role ('' none), what viewers see, the agent
-- fails: SESSION_NOT_FOUND ... PARTICIPANT_INACTIVE
enter_reader()
local people, all_people = participant_list(tonumber(most))
local listed, bytes, ids = {}, 0, call('ZREVRANGE', order, 0, tonumber(most) - 1, 'WITHSCORES')
for i = 1, #ids, 2 do
  local a = load_approval(ids[i])
  if a then
    local text = approval_json(a)
    bytes = bytes + #text
    if bytes > tonumber(most_bytes) and #listed > 0 then break end
    listed[#listed + 1] = {number = number_of(ids[i + 1]), text = text}
  end
end
local whole = all_people and #listed * 2 == #ids and call('ZCARD', order) == #listed
table.sort(listed, function(a, b) return a.number > b.number end)
for i, entry in ipairs(listed) do listed[i] = entry.text end
return {'ok', session_json(), people, '[' .. table.concat(listed, ',') .. ']', last, tostring(not whole),
  caller_role or '', viewer_updates, agent_json()}

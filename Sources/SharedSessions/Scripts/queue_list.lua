#!lua flags=no-writes
-- include: core session participant caller reader approval
-- The approved prompts of a session that wait for their dispatch, in order.
-- keys: session participants credentials approvals queue
-- args: most_bytes
-- reply: ok, queue, 'true' when some were left out
-- fails: SESSION_NOT_FOUND ... PARTICIPANT_INACTIVE
enter_reader()
local entries, bytes = {}, 0
for i, id in ipairs(call('ZRANGE', queue, 0, -1)) do
  local a = load_approval(id)
  if a then
    local text = '{"position":' .. dec(i) .. ',"approval":' .. approval_json(a) .. '}'
    bytes = bytes + #text
    if bytes > tonumber(most_bytes) and #entries > 0 then
      return {'ok', '[' .. table.concat(entries, ',') .. ']', 'true'}
    end
    entries[#entries + 1] = text
  end
end
return {'ok', '[' .. table.concat(entries, ',') .. ']', 'false'}

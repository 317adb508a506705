-- Messages: a stream of the session, one entry each, whose one field is the message as it is sent.

-- Whether the session may hold a further message of about this size.
-- args: most_messages most_message_bytes
local function has_room_for_message(size)
  return S.messages < tonumber(most_messages) and S.message_bytes + size <= tonumber(most_message_bytes)
end

-- Appends a message by the caller, and gives it as it is sent. `text` is JSON. The session's counts go with `save`.
local function append_message(id, kind, text, approval_id)
  local message = '{"id":"' .. id .. '","sharedSessionId":"' .. S.id .. '","participantId":"' .. P.id
    .. '","authorUserId":' .. user_of(P.record) .. ',"kind":"' .. kind .. '","text":' .. text .. ',"createdAt":' .. now()
    .. (approval_id and ',"approvalId":"' .. approval_id .. '"' or '') .. '}'
  call('XADD', messages, '*', 'json', message)
  if S.messages == 0 then keep(messages) end
  S.messages, S.message_bytes = S.messages + 1, S.message_bytes + #message
  return message
end

-- Messages: a stream of the session, one entry each.
local function message_json(m)
  return '{"id":"' .. m.id .. '","sharedSessionId":"' .. S.id .. '","participantId":"' .. m.participantId
    .. '","authorUserId":' .. quote(m.authorUserId) .. ',"kind":"' .. m.kind .. '","text":' .. quote(m.text)
    .. ',"createdAt":' .. rfc3339(tonumber(m.createdAt))
    .. (present(m.approvalId) and ',"approvalId":"' .. m.approvalId .. '"' or '') .. '}'
end

-- Appends a message by the caller; the message.
local function append_message(key, id, kind, text, approval_id)
  local m = {id = id, participantId = P.id, authorUserId = P.userId, kind = kind, text = text, createdAt = dec(NOW),
    approvalId = approval_id or ''}
  call('XADD', key, '*', 'id', m.id, 'participantId', m.participantId, 'authorUserId', m.authorUserId, 'kind', m.kind,
    'text', m.text, 'createdAt', m.createdAt, 'approvalId', m.approvalId)
  keep(key)
  return m
end

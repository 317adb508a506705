-- Participants. A record is the participant as it is sent but for `online`, which changes too often to be in it:
--   {"id","sharedSessionId","role","joinedAt"[,"leftAt"][,"canApprove":true][,"displayName"],"userId"}
-- Its members stand in this order, ids and times have one length, and what a person typed comes last and has every quote
-- escaped, so each member is found by its name without reading JSON.

-- A record from its parts; `name` and `user` are JSON, `name` may be ''.
local function new_participant(id, role, joined, name, user)
  return '{"id":"' .. id .. '","sharedSessionId":"' .. session_id .. '","role":"' .. role .. '","joinedAt":' .. joined
    .. (name ~= '' and ',"displayName":' .. name or '') .. ',"userId":' .. user .. '}'
end

local function role_of(record) return string.match(record, '^%l+', 111) end

local function with_role(record, role)
  return (string.gsub(record, '^(.-"role":)"%l+"', '%1"' .. role .. '"', 1))
end

local function has_left(record) return string.find(record, ',"leftAt":"', 1, true) ~= nil end

local function with_left(record, at)
  return (string.gsub(record, '^(.-"joinedAt":"[^"]+")', '%1,"leftAt":' .. at, 1))
end

-- Whether somebody who is not the host may decide on approvals.
local function decides(record) return string.find(record, ',"canApprove":true', 1, true) ~= nil end

local function with_decides(record, may)
  if decides(record) == may then return record end
  if not may then return (string.gsub(record, ',"canApprove":true', '', 1)) end
  return (string.gsub(record, '^(.-"joinedAt":"[^"]+")', '%1,"canApprove":true', 1))
end

-- The user id, as JSON.
local function user_of(record)
  local _, last = string.find(record, ',"userId":', 1, true)
  return string.sub(record, last + 1, -2)
end

-- What a person calls a participant, as JSON.
local function name_of(record)
  local at = string.find(record, ',"userId":', 1, true)
  local _, last = string.find(record, ',"displayName":', 1, true)
  return last and last < at and string.sub(record, last + 1, at - 1) or user_of(record)
end

-- A record as it is sent.
local function participant_json(record, online)
  return string.sub(record, 1, -2) .. (online and ',"online":true}' or ',"online":false}')
end

-- A record as it is once the session has ended: whoever was there then has left.
local function as_ended(record)
  return closed and closed ~= "-" and not has_left(record) and with_left(record, rfc3339(tonumber(closed))) or record
end

-- Whether a participant has a stream open on any node.
local function is_online(id) return call('HEXISTS', presence, id) == 1 end

-- A participant as it is sent; one that is gone, which only a damaged session has, is told by its id alone.
local function participant_of(id)
  local record = as_ended(call('HGET', participants, id) or new_participant(id, 'viewer', now(), '', '""'))
  return participant_json(record, not has_left(record) and is_online(id))
end

-- Whether `digest` is one of a participant's valid tokens. Digests have one length and a blank between them.
local function holds(id, digest)
  local digests = digest ~= '' and call('HGET', credentials, id)
  return digests and string.find(digests, digest, 1, true) ~= nil
end

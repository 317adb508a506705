-- Whoever may decide runs code on the host's machine. A user who is present can be joined again with nothing but an
-- invite, so somebody else may hold one of their later tokens: of those only the first one, which made the participant,
-- stays valid. False when that one is no longer among the valid ones.
local function trust_first_token(id)
  local first = string.match(call('HGET', credentials, id) or '', '^%S+')
  if not first then return false end
  call('HSET', credentials, id, first)
  return true
end

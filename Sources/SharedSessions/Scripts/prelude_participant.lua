-- Participants: their JSON and the check of a caller's credentials.
local P -- the caller, once authenticated

local function online(p)
  if present(p.leftAt) then return 'false' end
  for field in pairs(p) do
    if string.sub(field, 1, 7) == 'stream:' then return 'true' end
  end
  return 'false'
end

local function participant_json(p)
  return '{"id":"' .. p.id .. '","sharedSessionId":"' .. S.id .. '","userId":' .. quote(p.userId)
    .. (present(p.displayName) and ',"displayName":' .. quote(p.displayName) or '') .. ',"role":"' .. p.role
    .. '"' .. (p.canApprove == '1' and ',"canApprove":true' or '') .. ',"joinedAt":' .. rfc3339(tonumber(p.joinedAt))
    .. (present(p.leftAt) and ',"leftAt":' .. rfc3339(tonumber(p.leftAt)) or '') .. ',"online":' .. online(p) .. '}'
end

-- What a person calls a participant.
local function called(p) return present(p.displayName) and p.displayName or p.userId end

-- Whoever may decide runs code on the host's machine. A user who is present can be joined again with nothing but an
-- invite, so somebody else may hold one of their later tokens: of those only the first one, which made the participant,
-- stays valid. False when that one is no longer among the valid ones.
local function trust_first_token(key, p)
  local first = string.match(p.tokens or '', '^%S+')
  if not present(p.firstToken) or first ~= p.firstToken then return false end
  p.tokens = first
  call('HSET', key, 'tokens', first)
  return true
end

-- Whether `digest` is one of the participant's valid tokens.
local function holds(p, digest)
  return digest ~= '' and string.find(' ' .. (p.tokens or '') .. ' ', ' ' .. digest .. ' ', 1, true) ~= nil
end

-- Checks the caller in the contract's order; a refusal, or nil with P set.
local function authenticate()
  local p = hash(KEYS[3])
  if not p or p.id ~= ARGV[1] then return refuse('PARTICIPANT_NOT_FOUND') end
  if not holds(p, ARGV[2]) then return refuse('INVALID_PARTICIPANT_TOKEN') end
  if present(p.leftAt) then return refuse('PARTICIPANT_INACTIVE') end
  P = p
  return nil
end

-- Session, repeat, activity and caller, in the contract's order; a reply that ends the script, or nil.
local function enter()
  if not load_session() then return refuse('SESSION_NOT_FOUND') end
  local first = repeated()
  if first then return first end
  if S.status ~= 'active' then return refuse('SESSION_INACTIVE', S.status) end
  return authenticate()
end

-- The same for reads; a trusted reader sends no participant.
local function enter_reader()
  if not load_session() then return refuse('SESSION_NOT_FOUND') end
  if S.status ~= 'active' then return refuse('SESSION_INACTIVE', S.status) end
  if ARGV[1] == '' then return nil end
  return authenticate()
end

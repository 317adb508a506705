-- The frame of every script on one host session.
--   KEYS[1] host hash   KEYS[2] zset of its active shared sessions
--   ARGV[1] host session id   ARGV[2] digest of the host token ('' when the node vouches)   ARGV[3] ms the keys are kept
local H -- the host session, once loaded

-- Loads the host session and checks its token; a refusal, or nil with H set.
local function enter_host()
  H = hash(KEYS[1])
  if not H then return refuse('HOST_SESSION_NOT_FOUND') end
  if ARGV[2] ~= '' and H.tokenHash ~= ARGV[2] then return refuse('INVALID_HOST_TOKEN') end
  return nil
end

-- A host session lives as long as somebody uses it, and then as long as any session it shares could.
local function keep_host()
  for _, key in ipairs(KEYS) do call('PEXPIRE', key, ARGV[3]) end
end

local function attached() return tonumber(H.leaseUntil or '0') > NOW end

local function host_json()
  local agent = ''
  if present(H.agentName) then
    agent = ',"agent":{"name":' .. quote(H.agentName)
      .. (present(H.agentVersion) and ',"version":' .. quote(H.agentVersion) or '') .. '}'
  end
  local sessions = {}
  for i, id in ipairs(call('ZRANGE', KEYS[2], 0, -1)) do sessions[i] = '"' .. id .. '"' end
  return '{"id":' .. quote(H.id) .. ',"workspaceId":' .. quote(H.workspaceId) .. ',"userId":' .. quote(H.userId) .. agent
    .. ',"online":' .. tostring(attached()) .. ',"createdAt":' .. rfc3339(tonumber(H.createdAt)) .. ',"lastSeenAt":'
    .. rfc3339(tonumber(H.lastSeenAt)) .. ',"sharedSessionIds":[' .. table.concat(sessions, ',') .. ']}'
end

-- Tells the node that holds the attachment to look: 'wake', 'cancel <dispatch id>', 'fence <n>',
-- 'permission <session id> <approval id>' or 'gone'.
local function signal(text) call('SPUBLISH', KEYS[1] .. ':live', text) end

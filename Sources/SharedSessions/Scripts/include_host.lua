-- A host session: its hash, the shared sessions it has, and where what it runs belongs.
local H -- the host session, once loaded

-- A hash as a table of its fields; nil when there is none.
local function fields_of(key)
  local flat, fields = call('HGETALL', key), {}
  for i = 1, #flat, 2 do fields[flat[i]] = flat[i + 1] end
  return #flat > 0 and fields or nil
end

-- Loads the host session and checks its token; a refusal, or nil with H set. `token` is '' when the node vouches.
-- args: token
local function enter_host_session()
  H = fields_of(host)
  if not H then return refuse('HOST_SESSION_NOT_FOUND') end
  if token ~= '' and H.tokenHash ~= token then return refuse('INVALID_HOST_TOKEN') end
  return nil
end

-- A host session lives as long as somebody uses it, and then as long as any session it shares could.
-- args: host_lifetime
local function keep_host()
  for _, key in ipairs(KEYS) do call('PEXPIRE', key, host_lifetime) end
end

local function attached() return tonumber(H.leaseUntil or '0') > NOW end

-- Tells the node that holds the attachment to look: 'wake', 'cancel <dispatch id>', 'fence <n>',
-- 'permission <session id> <approval id>' or 'gone'.
local function signal(text) call('SPUBLISH', host .. ':live', text) end

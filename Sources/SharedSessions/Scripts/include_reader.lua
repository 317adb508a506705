-- Readers: `how` is 'participant', 'trusted' for the holder of an API key, or 'anybody' for a reader without credentials where
-- access is open. Wrong credentials are refused always.

-- Session, activity and, for a participant, the caller; a reply that ends the script, or nil.
-- args: how
local function enter_reader()
  if not load_session() then return refuse('SESSION_NOT_FOUND') end
  if S.status ~= 'active' then return refuse('SESSION_INACTIVE', S.status) end
  if how ~= 'participant' then return nil end
  return authenticate()
end

-- The caller of a log that can be read beyond the session's end, by those who were there then. A refusal, or nil and the role.
-- args: caller token
local function find_reader()
  local record = call('HGET', participants, caller)
  if not record then return refuse('PARTICIPANT_NOT_FOUND') end
  if not holds(caller, token) then return refuse('INVALID_PARTICIPANT_TOKEN') end
  if has_left(record) then return refuse('PARTICIPANT_INACTIVE') end
  return nil, role_of(record)
end

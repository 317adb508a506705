-- The caller of a script, and the checks in the contract's order.
local caller_record, caller_role

-- block: authenticate
-- Finds the caller; ends the script for one who is not a participant, or not here any more.
-- args: caller token
caller_record = call('HGET', participants, caller)
if not caller_record then return refuse('PARTICIPANT_NOT_FOUND') end
do
  local digests = call('HGET', credentials, caller)
  if token == '' or not digests or not string.find(digests, token, 1, true) then return refuse('INVALID_PARTICIPANT_TOKEN') end
end
if string.find(caller_record, ',"leftAt":"', 1, true) then return refuse('PARTICIPANT_INACTIVE') end
caller_role = string.match(caller_record, '^%l+', 111)

-- block: enter
-- Session, repeat, activity and caller.
load_rules()
if not status then return refuse('SESSION_NOT_FOUND') end
repeated()
if status ~= 'active' then return refuse('SESSION_INACTIVE', status) end
authenticate()

-- block: enter_host
-- The same for what only the host may do.
enter()
if caller_role ~= 'host' then return refuse('HOST_REQUIRED') end

-- Whether the caller may decide on approvals.
local function may_decide() return caller_role == 'host' or decides(caller_record) end

-- block: find_online
-- The end of the caller as it is sent, in `online`; what comes before it is the record without its last character.
local online = call('HEXISTS', presence, caller) == 1 and ',"online":true}' or ',"online":false}'

-- The caller as it is sent.
local function caller_json() return participant_json(caller_record, is_online(caller)) end

-- The record of another participant who is there; nil and a refusal when there is none.
local function find_present(id)
  local record = call('HGET', participants, id)
  if not record then return nil, refuse('PARTICIPANT_NOT_FOUND') end
  if has_left(record) then return nil, refuse('PARTICIPANT_INACTIVE') end
  return record
end

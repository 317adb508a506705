-- The caller of a script, and the checks in the contract's order.
local P -- the caller's id, record and role, once authenticated

-- A refusal, or nil with P set.
-- args: caller token
local function authenticate()
  local record = call('HGET', participants, caller)
  if not record then return refuse('PARTICIPANT_NOT_FOUND') end
  if not holds(caller, token) then return refuse('INVALID_PARTICIPANT_TOKEN') end
  if has_left(record) then return refuse('PARTICIPANT_INACTIVE') end
  P = {id = caller, record = record, role = role_of(record)}
  return nil
end

-- Session, repeat, activity and caller; a reply that ends the script, or nil.
local function enter()
  if not load_session() then return refuse('SESSION_NOT_FOUND') end
  local first = repeated()
  if first then return first end
  if S.status ~= 'active' then return refuse('SESSION_INACTIVE', S.status) end
  return authenticate()
end

-- The same for what only the host may do.
local function enter_host()
  local ended = enter()
  if ended then return ended end
  if P.role ~= 'host' then return refuse('HOST_REQUIRED') end
  return nil
end

-- Whether the caller may decide on approvals.
local function may_decide() return P.role == 'host' or decides(P.record) end

-- The caller as it is sent.
local function caller_json() return participant_json(P.record, is_online(P.id)) end

-- The record of another participant who is there; nil and a refusal when there is none.
local function find_present(id)
  local record = call('HGET', participants, id)
  if not record then return nil, refuse('PARTICIPANT_NOT_FOUND') end
  if has_left(record) then return nil, refuse('PARTICIPANT_INACTIVE') end
  return record
end

-- Readers whose view depends on who they are. ARGV[7] says how the caller comes: 'trusted' by an API key, 'anybody' in
-- open access, where credentials only add to what is seen and wrong ones count as none, or 'participant'.

-- As `enter_reader`, with the credentials of a caller in open access not asked for.
local function enter_viewer()
  if ARGV[7] ~= 'anybody' then return enter_reader() end
  if not load_session() then return refuse('SESSION_NOT_FOUND') end
  if S.status ~= 'active' then return refuse('SESSION_INACTIVE', S.status) end
  return nil
end

-- The role of a caller in open access, '' for one who has shown none.
local function role_of_anybody()
  if ARGV[1] == '' then return '' end
  local p = hash(KEYS[3])
  if not p or p.id ~= ARGV[1] or not holds(p, ARGV[2]) then return '' end
  if present(p.leftAt) and p.presentAtEnd ~= '1' then return '' end
  return p.role
end

-- Whether a reader with that role gets what viewers get.
local function is_reduced(role)
  return ARGV[7] ~= 'trusted' and S.viewerUpdates == 'reduced' and (role == '' or role == 'viewer')
end

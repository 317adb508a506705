-- Scoped invites: each with a role at most, a number of uses and an end of its own.
local function invite_json(i)
  return '{"id":"' .. i.id .. '","sharedSessionId":"' .. S.id .. '"'
    .. (present(i.label) and ',"label":' .. quote(i.label) or '') .. ',"role":"' .. i.role .. '"'
    .. (present(i.maxUses) and ',"maxUses":' .. i.maxUses or '') .. ',"uses":' .. i.uses
    .. ',"createdAt":' .. rfc3339(tonumber(i.createdAt))
    .. (present(i.expiresAt) and ',"expiresAt":' .. rfc3339(tonumber(i.expiresAt)) or '')
    .. (present(i.revokedAt) and ',"revokedAt":' .. rfc3339(tonumber(i.revokedAt)) or '') .. '}'
end

-- Whether an invite still lets somebody in.
local function is_open(i)
  if present(i.revokedAt) then return false end
  if present(i.expiresAt) and tonumber(i.expiresAt) <= NOW then return false end
  return not present(i.maxUses) or tonumber(i.uses) < tonumber(i.maxUses)
end

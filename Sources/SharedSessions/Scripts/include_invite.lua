-- Scoped invites: each with a role at most, a number of uses and an end of its own. The hash holds a record for each id, as it is
-- sent:  {"id","sharedSessionId","role","uses","createdAt"[,"maxUses"][,"expiresAt"][,"revokedAt"][,"label"]}
-- the id for each token's digest (`token:DIGEST`) and for each place in their order (`order:N`).

-- The members that decide whether an invite lets somebody in come before what a person typed.
local function invite_role(record) return string.match(record, '"role":"(%l+)"') end
local function invite_uses(record) return tonumber(string.match(record, '"uses":(%d+)')) end
local function is_revoked(record) return string.find(record, ',"revokedAt":"', 1, true) ~= nil end

-- Whether an invite still lets somebody in.
local function is_open(record)
  if is_revoked(record) then return false end
  local ends = string.match(record, ',"expiresAt":("[^"]+")')
  if ends and ends <= now() then return false end
  local most = string.match(record, ',"maxUses":(%d+)')
  return not most or invite_uses(record) < tonumber(most)
end

-- A host session as it is sent.
local function host_json()
  local agent = ''
  if present(H.agentName) then
    agent = ',"agent":{"name":' .. quote(H.agentName)
      .. (present(H.agentVersion) and ',"version":' .. quote(H.agentVersion) or '') .. '}'
  end
  local ids = {}
  for i, id in ipairs(call('ZRANGE', sessions, 0, -1)) do ids[i] = '"' .. id .. '"' end
  return '{"id":' .. quote(H.id) .. ',"workspaceId":' .. quote(H.workspaceId) .. ',"userId":' .. quote(H.userId) .. agent
    .. ',"online":' .. tostring(attached()) .. ',"createdAt":' .. rfc3339(tonumber(H.createdAt)) .. ',"lastSeenAt":'
    .. rfc3339(tonumber(H.lastSeenAt)) .. ',"sharedSessionIds":[' .. table.concat(ids, ',') .. ']}'
end

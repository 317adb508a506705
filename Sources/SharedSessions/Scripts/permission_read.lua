#!lua flags=no-writes
-- include: core session participant approval
-- A permission request as it is now, for the bridge that waits for its answer.
-- KEYS  frame, 5 approval hash
-- ARGV  frame, 7 approval id
-- Reply ok, approval, payload of a frame for the bridge, the resolver's name as JSON ('' nobody's)
-- Fails APPROVAL_NOT_FOUND
if not load_session() then return refuse('APPROVAL_NOT_FOUND') end
local a = hash(KEYS[5])
if not a or a.id ~= ARGV[7] or a.kind ~= 'permission' then return refuse('APPROVAL_NOT_FOUND') end
local name = present(a.resolvedByName) and quote(a.resolvedByName) or ''
return {'ok', approval_json(a), '{"approvalId":"' .. a.id .. '","dispatchId":"' .. a.turn .. '","status":"' .. a.status
  .. '"' .. (present(a.optionId) and ',"optionId":' .. quote(a.optionId) or '')
  .. (present(a.reason) and ',"reason":' .. quote(a.reason) or '')
  .. (name ~= '' and ',"resolvedByName":' .. name or '') .. '}', name}

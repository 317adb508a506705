#!lua flags=no-writes
-- include: core session participant approval
-- A permission request as it is now, for the bridge that waits for its answer.
-- keys: session participants approvals
-- args: id
-- reply: ok, approval, status, dispatch id, option id as JSON ('' none), reason as JSON ('' none),
--   the resolver's name as JSON ('' nobody's)
-- fails: APPROVAL_NOT_FOUND
load_session()
local a = status and load_approval(id)
if not a or a.kind ~= 'permission' then return refuse('APPROVAL_NOT_FOUND') end
local by = string.match(a.more, ',"resolvedByParticipantId":"([^"]+)"')
local record = by and call('HGET', participants, by)
local _, at = string.find(a.more, ',"optionId":', 1, true)
local option = at and string.sub(a.more, at + 1) or ''
local _, from = string.find(a.more, ',"reason":', 1, true)
local reason = from and string.sub(a.more, from + 1, at and at - #',"optionId":' or -1) or ''
return {'ok', approval_json(a), a.status, note(a, 'turn'), option, reason, record and name_of(record) or ''}

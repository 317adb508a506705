#!lua flags=no-writes
-- include: core session participant approval
-- What the agent asked as it is now, for the bridge that waits for the answer.
-- keys: session participants approvals
-- args: id kind
--   kind: permission or question ('' either)
-- reply: ok, approval, status, dispatch id ('-' none), option id as JSON ('' none), reason as JSON ('' none),
--   the resolver's name as JSON ('' nobody's), kind, answer as JSON ('' none)
-- fails: APPROVAL_NOT_FOUND
load_session()
local a = status and load_approval(id)
if not a or a.kind == 'prompt' or kind ~= '' and a.kind ~= kind then return refuse('APPROVAL_NOT_FOUND') end
local by = string.match(a.more, ',"resolvedByParticipantId":"([^"]+)"')
local record = by and call('HGET', participants, by)
local _, at = string.find(a.more, ',"optionId":', 1, true)
local option = at and string.sub(a.more, at + 1) or ''
local _, from = string.find(a.more, ',"reason":', 1, true)
local reason = from and string.sub(a.more, from + 1, at and at - #',"optionId":' or -1) or ''
local length = note(a, 'answer')
return {'ok', approval_json(a), a.status, note(a, 'turn'), option, reason, record and name_of(record) or '', a.kind,
  length and string.sub(a.tail, -1 - length, -2) or ''}

#!lua flags=no-writes
-- include: core session participant caller reader approval
-- One attachment of a prompt.
-- keys: session participants credentials approvals
-- args: id block
-- reply: ok, the approval, what is kept of the attachment ('' it is no attachment, or gone)
-- fails: SESSION_NOT_FOUND ... PARTICIPANT_INACTIVE, APPROVAL_NOT_FOUND
enter_reader()
local a = load_approval(id)
if not a then return refuse('APPROVAL_NOT_FOUND') end
return {'ok', approval_json(a), call('HGET', approvals, id .. ':content:' .. block) or ''}

#!lua flags=no-writes
-- include: core session approval
-- What an answer to a question of the agent has to fit.
-- keys: session approvals
-- args: id
-- reply: ok, form or url ('' it is no question), the approval from its prompt on
-- fails: APPROVAL_NOT_FOUND
load_session()
local a = status and load_approval(id)
if not a then return refuse('APPROVAL_NOT_FOUND') end
return {'ok', a.kind == 'question' and note(a, 'form') or '', '{' .. string.sub(a.tail, 2)}

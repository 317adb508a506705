#!lua flags=allow-oom
-- include: core session participant approval pending
-- The bridge takes back what the agent asked: the agent no longer asks, or its turn is being cancelled and the bridge was
-- faster than the session's own part of that.
-- keys: session events participants approvals order deadlines
-- args: id kind cancelling
--   kind: permission or question; cancelling: dispatch id of the turn that is being cancelled ('' none)
-- reply: ok, approval
-- fails: APPROVAL_NOT_FOUND, APPROVAL_ALREADY_RESOLVED with the status and who did
load_session()
local a = status and load_approval(id)
if not a or a.kind ~= kind then return refuse('APPROVAL_NOT_FOUND') end
read_record(id)
refuse_resolved()
withdraw_request(id, note(a, 'turn') == cancelling and 'turn_cancelled' or 'agent_withdrew')
save()
return {'ok', saved}

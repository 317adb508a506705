#!lua flags=allow-oom
-- include: core session participant approval
-- The bridge takes a permission request back: the agent no longer asks, or its turn is being cancelled and the bridge was
-- faster than the session's own part of that.
-- KEYS  frame, 5 approval hash, 6 permissions hash
-- ARGV  frame, 7 approval id, 8 dispatch id of the turn that is being cancelled ('' none)
-- Reply ok, approval
-- Fails APPROVAL_NOT_FOUND, APPROVAL_ALREADY_RESOLVED with how and by whom
if not load_session() then return refuse('APPROVAL_NOT_FOUND') end
local a = hash(KEYS[5])
if not a or a.id ~= ARGV[7] or a.kind ~= 'permission' then return refuse('APPROVAL_NOT_FOUND') end
if a.status ~= 'pending' then return refuse('APPROVAL_ALREADY_RESOLVED', resolution(a)) end
withdraw_permissions(6, {{KEYS[5], a}}, a.turn == ARGV[8] and 'turn_cancelled' or 'agent_withdrew')
save_sequence()
return {'ok', approval_json(a)}

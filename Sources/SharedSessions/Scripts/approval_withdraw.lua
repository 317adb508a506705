#!lua
-- include: core session answer participant caller approval pending
-- The author takes a pending prompt back; a permission request is the agent's, so nobody here can.
-- keys: session events participants credentials presence approvals order deadlines answers answers_order
-- args: id
-- reply: ok, approval
-- fails: SESSION_NOT_FOUND ... PARTICIPANT_INACTIVE, APPROVAL_NOT_FOUND, AUTHOR_REQUIRED with the kind,
--   APPROVAL_ALREADY_RESOLVED with the status and who did
enter()
local a = load_approval(id)
if not a then return refuse('APPROVAL_NOT_FOUND') end
if a.kind ~= 'prompt' or a.author ~= caller then return refuse('AUTHOR_REQUIRED', a.kind) end
if not is_pending(a) then return already_resolved(a) end
resolve(a, 'withdrawn', caller)
move_approval(a, OVER)
emit_saved('prompt_withdrawn', caller, caller_json(), '')
save()
answer({'ok', saved})

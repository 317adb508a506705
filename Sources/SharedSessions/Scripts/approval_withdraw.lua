#!lua
-- include: core session answer participant caller approval pending
-- The author takes a pending prompt or control back; a permission request is the agent's, so nobody here can.
-- keys: session events participants credentials presence approvals order deadlines answers answers_order
-- args: id
-- reply: ok, approval
-- fails: SESSION_NOT_FOUND ... PARTICIPANT_INACTIVE, APPROVAL_NOT_FOUND, AUTHOR_REQUIRED with the kind,
--   APPROVAL_ALREADY_RESOLVED with the status and who did
enter()
read_record(id)
if not record then return refuse('APPROVAL_NOT_FOUND') end
local proposed = record_kind == 'prompt' or record_kind == 'control'
if not proposed or string.sub(record, 120, 155) ~= caller then return refuse('AUTHOR_REQUIRED', record_kind) end
refuse_resolved()
settle(id, 'withdrawn', TWO_BANDS, ',"resolvedByParticipantId":"' .. caller .. '"')
emit_saved('prompt_withdrawn', caller, caller_json(), '')
save()
answer({'ok', saved})

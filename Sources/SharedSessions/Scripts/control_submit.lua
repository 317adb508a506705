#!lua
-- include: core session answer participant caller role_matrix approval pending room dispatch agent
-- A change of how the agent works: proposed, or approved by its author and queued in the same step, as prompts are.
-- keys: session events participants credentials presence approvals order queue deadlines answers answers_order
-- args: id control_kind target value prompt prompt_hash other_id
--   control_kind: mode or option; target: JSON, the option's id ('' of a mode); value: JSON, the mode's id or the option's value
--   prompt: JSON, what is to be done in a sentence; prompt_hash: SHA-256 of it; other_id: of its dispatch when it is not to wait
-- reply: ok, status, approval, host session id, in how many ms its time is over ('' never)
-- fails: SESSION_NOT_FOUND ... PARTICIPANT_INACTIVE, PROMPT_NOT_ALLOWED, CONTROL_NOT_AVAILABLE with the kind, APPROVAL_LIMIT
enter()
find_prompt_right()
if not right then return refuse('PROMPT_NOT_ALLOWED') end
if not offers(control_kind, target, value) then return refuse('CONTROL_NOT_AVAILABLE', control_kind) end
count_waiting()
if right == 'approval' then
  count_own()
end
local control = ',"control":{"kind":"' .. control_kind .. '"' .. (target ~= '' and ',"id":' .. target or '') .. ',"value":'
  .. value .. '}'
make_room(#prompt + #control, '')
local delivery = ''
propose()
add_approval(id, caller, 'control', at, band, ' author=' .. caller .. ' hash=' .. prompt_hash, state,
  ',"prompt":' .. prompt .. control .. '}')
find_online()
emit_saved(kind, caller, string.sub(caller_record, 1, -2) .. online, (position and ',"position":' .. position or ''))
save()
answer({'ok', right == 'approval' and 'pending' or 'approved', saved, host_session_id, tostring(due)})

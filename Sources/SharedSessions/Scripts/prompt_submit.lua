#!lua
-- include: core session answer participant caller role_matrix message approval pending room dispatch
-- A prompt: pending where the mode asks for approval, else approved by its author and queued in the same step.
-- keys: session events participants credentials presence messages approvals order queue deadlines answers answers_order
-- args: id prompt content prompt_hash delivery other_id
--   prompt: JSON; content: its blocks as a member of the approval ('' it is only a text)
--   prompt_hash: SHA-256 of the text, or of the blocks; other_id: of its message when it waits, else of its dispatch
--   delivery: `,"delivery":"interrupt"`, or '' behind what waits
-- reply: ok, status, approval, host session id, in how many ms its time is over ('' never), then the ids of the agent's
--   requests that were withdrawn
-- fails: SESSION_NOT_FOUND ... PARTICIPANT_INACTIVE, PROMPT_NOT_ALLOWED, APPROVAL_LIMIT, MESSAGE_LIMIT
enter()
find_prompt_right()
if not right then return refuse('PROMPT_NOT_ALLOWED') end
count_waiting()
if right == 'approval' then
  count_own()
  make_room_for_message(#prompt)
end
make_room(#prompt + #content, '')
propose()
add_approval(id, caller, 'prompt', at, band, ' author=' .. caller .. ' hash=' .. prompt_hash, state,
  ',"prompt":' .. prompt .. content .. delivery .. '}')
begin_event()
if right == 'approval' then
  append_message(other_id, 'prompt', prompt, id)
end
find_online()
write_event(kind, caller, '', '{"approval":' .. saved .. ',"participant":' .. string.sub(caller_record, 1, -2) .. online
  .. (position and ',"position":' .. position or '') .. '}')
save()
if withdrawn then
  answer({'ok', 'approved', saved, host_session_id, tostring(due), unpack(withdrawn)})
end
answer({'ok', right == 'approval' and 'pending' or 'approved', saved, host_session_id, tostring(due)})

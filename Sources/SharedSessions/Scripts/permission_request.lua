#!lua
-- include: core session answer participant approval pending room
-- The agent asks whether it may do something, in the middle of a turn.
-- keys: session events participants presence approvals order answers answers_order
-- args: prompt_id dispatch_id id summary tool_call options choices most_asked
--   prompt_id: the approval whose turn runs; summary: JSON, what is asked in a few words; tool_call, options: JSON of the agent
--   choices: the options as include_option.lua reads them
-- reply: ok, approval
-- fails: DISPATCH_NOT_FOUND, IDEMPOTENCY_KEY_REUSED, SESSION_INACTIVE, DISPATCH_CONFLICT, APPROVAL_LIMIT
load_session()
if not status then return refuse('DISPATCH_NOT_FOUND') end
repeated()
if status ~= 'active' then return refuse('SESSION_INACTIVE', status) end
find_turn(prompt_id, dispatch_id)
local turn = found
refuse_too_many('permission')
make_room(#tool_call + #options, 'permission')
add_approval(id, turn.author, 'permission', rfc3339(NOW), ASKED_FROM, ' turn=' .. dispatch_id, 'pending"',
  ',"prompt":' .. summary .. ',"dispatchId":"' .. dispatch_id .. '","toolCall":' .. tool_call .. ',"options":' .. options .. '}')
call('HSET', approvals, id .. ':options', choices)
emit_saved('permission_requested', turn.author, participant_of(turn.author), '')
save()
answer({'ok', saved})

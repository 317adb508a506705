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
local turn = load_approval(prompt_id)
if not turn or not turn.dispatch or turn.dispatch.id ~= dispatch_id then return refuse('DISPATCH_NOT_FOUND') end
-- A turn that was told to stop asks no more: whatever waited for an answer has been withdrawn.
if turn.dispatch.state ~= 'started' or note(turn, 'cancelled') then return refuse('DISPATCH_CONFLICT', 'permission') end
local asked = call('ZCOUNT', order, ASKED_FROM, '+inf')
if asked >= tonumber(most_asked) then return refuse('APPROVAL_LIMIT', 'permission') end
make_room(#tool_call + #options, 'permission')
add_approval(id, turn.author, 'permission', rfc3339(NOW), ASKED_FROM, ' turn=' .. dispatch_id, 'pending"',
  ',"prompt":' .. summary .. ',"dispatchId":"' .. dispatch_id .. '","toolCall":' .. tool_call .. ',"options":' .. options .. '}')
call('HSET', approvals, id .. ':options', choices)
emit_saved('permission_requested', turn.author, participant_of(turn.author), '')
save()
answer({'ok', saved})

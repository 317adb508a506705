#!lua
-- include: core session answer participant approval pending
-- The agent asks whether it may do something, in the middle of a turn.
-- keys: session events participants presence approvals order answers answers_order
-- args: prompt_id dispatch_id id summary tool_call options choices most_asked
--   prompt_id: the approval whose turn runs; summary: JSON, what is asked in a few words; tool_call, options: JSON of the agent
--   choices: the options as include_option.lua reads them
-- reply: ok, approval
-- fails: DISPATCH_NOT_FOUND, IDEMPOTENCY_KEY_REUSED, SESSION_INACTIVE, DISPATCH_CONFLICT, APPROVAL_LIMIT
if not load_session() then return refuse('DISPATCH_NOT_FOUND') end
local first = repeated()
if first then return first end
if S.status ~= 'active' then return refuse('SESSION_INACTIVE', S.status) end
local turn = load_approval(prompt_id)
if not turn or not turn.dispatch or turn.dispatch.id ~= dispatch_id then return refuse('DISPATCH_NOT_FOUND') end
-- A turn that was told to stop asks no more: whatever waited for an answer has been withdrawn.
if turn.dispatch.state ~= 'started' or note(turn, 'cancelled') then return refuse('DISPATCH_CONFLICT', 'permission') end
local asked = call('ZCOUNT', order, dec(ASKED * BAND), '+inf')
if asked >= tonumber(most_asked) or not make_room(#tool_call + #options) then
  return refuse('APPROVAL_LIMIT', 'permission')
end
local a = new_approval(id, turn.author, 'permission', ',"prompt":' .. summary .. ',"dispatchId":"' .. dispatch_id
  .. '","toolCall":' .. tool_call .. ',"options":' .. options .. '}', ' turn=' .. dispatch_id)
save_approval(a, ASKED)
call('HSET', approvals, id .. ':options', choices)
keep(approvals)
keep(order)
emit('permission_requested', a.author, approval_payload(a, participant_of(a.author)))
save_with_approvals()
return answer(approval_json(a))

#!lua
-- include: core session answer participant approval pending room
-- The agent wants to know something of its people: in the middle of a turn, or between turns in the host's name.
-- keys: session events participants presence approvals order answers answers_order
-- args: prompt_id dispatch_id named id message question form most_asked
--   prompt_id, dispatch_id: the approval and dispatch of the turn ('' none); named: 'true' when the bridge says that it is
--   this one, else it is only what holds the running slot; message, question: JSON; form: form or url
-- reply: ok, approval
-- fails: DISPATCH_NOT_FOUND, IDEMPOTENCY_KEY_REUSED, SESSION_INACTIVE, DISPATCH_CONFLICT, APPROVAL_LIMIT
load_session()
if not status then return refuse('DISPATCH_NOT_FOUND') end
repeated()
if status ~= 'active' then return refuse('SESSION_INACTIVE', status) end
local turn, author, of_turn = '-', nil, ''
local holder = dispatch_id ~= '' and load_approval(prompt_id)
if named == 'true' or holder and holder.dispatch and holder.dispatch.state == 'started' then
  find_turn(prompt_id, dispatch_id)
  turn, author, of_turn = dispatch_id, found.author, ',"dispatchId":"' .. dispatch_id .. '"'
else
  author = call('HGET', session, 'hostParticipantId')
end
refuse_too_many('question')
make_room(#message + #question, 'question')
add_approval(id, author, 'question', rfc3339(NOW), ASKED_FROM, ' turn=' .. turn .. ' form=' .. form, 'pending"',
  ',"prompt":' .. message .. of_turn .. ',"question":' .. question .. '}')
emit_saved('question_requested', author, participant_of(author), '')
save()
answer({'ok', saved})

#!lua
-- include: core session answer participant caller role_matrix message
-- A comment.
-- keys: session events participants credentials presence messages answers answers_order
-- args: id text
-- reply: ok, message
-- fails: SESSION_NOT_FOUND ... PARTICIPANT_INACTIVE, COMMENT_NOT_ALLOWED, MESSAGE_LIMIT
local ended = enter()
if ended then return ended end
if not may_comment(S.mode, P.role) then return refuse('COMMENT_NOT_ALLOWED') end
if not has_room_for_message(#text) then return refuse('MESSAGE_LIMIT') end
local message = append_message(id, 'comment', text)
emit('message_created', P.id, '{"message":' .. message .. ',"participant":' .. caller_json() .. '}')
save('messages', dec(S.messages), 'messageBytes', dec(S.message_bytes))
return answer(message)

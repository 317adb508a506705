#!lua
-- include: core session answer participant caller role_matrix message
-- A comment.
-- keys: session events participants credentials presence messages answers answers_order
-- args: id text
-- reply: ok, the message's place, its id, its author's user id as JSON
-- fails: SESSION_NOT_FOUND ... PARTICIPANT_INACTIVE, COMMENT_NOT_ALLOWED, MESSAGE_LIMIT
enter()
find_comment_right()
if not may_comment then return refuse('COMMENT_NOT_ALLOWED') end
make_room_for_message(#text)
begin_event()
append_message(id, 'comment', text, '-')
find_online()
write_event('message_created', caller, '\n' .. message, '{' .. string.sub(caller_record, 103, -2) .. online)
save()
answer({'ok', last, id, author_user})

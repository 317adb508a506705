-- Messages: a stream of the session, one entry each, whose one field is the message without what follows from its place (the time)
-- and the session:
--   id participant kind approval ('-' none)
--   the author's user id, JSON
--   the text, JSON
-- The event that tells of a message has the same id and holds its author only: the text is kept once.

-- block: make_room_for_message size
-- Ends the script when the session may not hold a further message of about this size.
-- args: most_messages most_message_bytes
if message_count + 0 >= most_messages + 0 or message_bytes + size > most_message_bytes + 0 then return refuse('MESSAGE_LIMIT') end

-- The message that was appended last, and its author's user id as JSON.
local message, author_user

-- block: append_message id kind text approval
-- Appends a message by the caller to the event that was begun. `text` is JSON.
local _, before_user = string.find(caller_record, ',"userId":', 1, true)
author_user = string.sub(caller_record, before_user + 1, -2)
message = id .. ' ' .. caller .. ' ' .. kind .. ' ' .. approval .. '\n' .. author_user .. '\n' .. text
call('XADD', messages, last, 'message', message)
if message_count + 0 == 0 then
  keep(messages)
end
message_count, message_bytes = message_count + 1, message_bytes + #message

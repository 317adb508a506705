-- Messages: a stream of the session, one entry each, whose one field is the message as it is sent but for the session's id and
-- its time, which is the entry's:  {"id","participantId","authorUserId","kind","text"[,"approvalId"]}
-- The event that tells of a message holds its author only, under the same id: the text is kept once.

-- block: make_room_for_message size
-- Ends the script when the session may not hold a further message of about this size.
-- args: most_messages most_message_bytes
if message_count + 0 >= most_messages + 0 or message_bytes + size > most_message_bytes + 0 then return refuse('MESSAGE_LIMIT') end

-- The message that is being appended.
local message

-- block: append_message id kind text more
-- Appends a message by the caller to the event that was begun. `text` is JSON, `more` further members.
local _, before_user = string.find(caller_record, ',"userId":', 1, true)
message = '{"id":"' .. id .. '","participantId":"' .. caller .. '","authorUserId":'
  .. string.sub(caller_record, before_user + 1, -2) .. ',"kind":"'
  .. kind .. '","text":' .. text .. more .. '}'
call('XADD', messages, last, 'json', message)
if message_count + 0 == 0 then keep(messages) end
message_count, message_bytes = message_count + 1, message_bytes + #message

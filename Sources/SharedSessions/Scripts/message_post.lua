#!lua
-- include: core session participant permission message
-- A comment.
-- KEYS  frame, 5 messages stream
-- ARGV  frame, 7 message id, 8 text, 9 messages at most
-- Reply ok, message
-- Fails SESSION_NOT_FOUND ... PARTICIPANT_INACTIVE, COMMENT_NOT_ALLOWED, MESSAGE_LIMIT
local ended = enter()
if ended then return ended end
if not may_comment(S.mode, P.role) then return refuse('COMMENT_NOT_ALLOWED') end
if call('XLEN', KEYS[5]) >= tonumber(ARGV[9]) then return refuse('MESSAGE_LIMIT') end
local m = message_json(append_message(KEYS[5], ARGV[7], 'comment', ARGV[8]))
emit('message_created', P.id, '{"message":' .. m .. ',"participant":' .. participant_json(P) .. '}')
save_sequence()
return answer(m)

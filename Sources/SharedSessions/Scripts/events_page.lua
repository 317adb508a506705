#!lua flags=no-writes
-- include: core clock
-- A page of a session's events after one of them, oldest first: as many as fit, and always one when there is one.
-- keys: events messages
-- args: after most most_bytes
--   after: stream id after which to begin ('-' from the start); most_bytes: of events
-- reply: ok, 1 when the id asked for is kept, 1 when nothing follows the page; then each event as it was published: one that
--   tells of a message is followed by the message as it is kept, in lines of its own
-- fails: never; a session that is gone holds no events
-- Entries are read one at a time: nothing tells their sizes before, and a few of the largest at once would hold up everybody.
local from, left = after, tonumber(most_bytes)
local page = {'ok', 1, 0}
if from ~= '-' then
  if #call('XRANGE', events, from, from) == 0 then return {'ok', 0, 1} end
  from = '(' .. from
end
for i = 1, tonumber(most) do
  local entry = call('XRANGE', events, from, '+', 'COUNT', 1)[1]
  if not entry then
    page[3] = 1
    break
  end
  local event = entry[2][2]
  if string.find(event, '^%S+ message_created ') then
    local told = call('XRANGE', messages, entry[1], entry[1])[1]
    event = event .. '\n' .. (told and told[2][2] or '')
  end
  left = left - #event
  if left < 0 and i > 1 then break end
  page[#page + 1] = event
  if left <= 0 then break end
  from = '(' .. entry[1]
end
return page

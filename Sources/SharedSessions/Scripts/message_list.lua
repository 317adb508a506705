#!lua flags=no-writes
-- include: core session participant caller reader
-- A page of messages, oldest first.
-- keys: session participants credentials messages
-- args: after most most_bytes
--   after: stream id after which to begin ('-' from the start)
-- reply: ok, next cursor ('' at the end), then the place and the text of each message
-- fails: SESSION_NOT_FOUND ... PARTICIPANT_INACTIVE
enter_reader()
local page, bytes, from = {'ok', ''}, 0, after == '-' and '-' or '(' .. after
-- In small steps, so that a page of large messages does not read much more than it holds.
while true do
  local step = call('XRANGE', messages, from, '+', 'COUNT', 32)
  for _, entry in ipairs(step) do
    local n, text = #page, entry[2][2]
    bytes = bytes + #text
    if n == 2 + 2 * most or (bytes > tonumber(most_bytes) and n > 2) then
      page[2] = page[n - 1]
      return page
    end
    page[n + 1], page[n + 2] = entry[1], text
    from = '(' .. entry[1]
  end
  if #step < 32 then return page end
end

-- What a session remembers of those who come again and those who have left.

-- A further token for a participant; false when there is no room. The first token, which made the participant, stays. One that
-- was given to somebody who proved to be that participant (marked '*') makes way only for another such.
local function add_token(id, digest, proven, most)
  local digests = {}
  for kept in string.gmatch(call('HGET', credentials, id) or '', '%S+') do digests[#digests + 1] = kept end
  local at = 2
  while #digests >= most and not proven and digests[at] and string.sub(digests[at], -1) == '*' do at = at + 1 end
  if #digests >= most then
    if not digests[at] then return false end
    table.remove(digests, at)
  end
  digests[#digests + 1] = digest .. (proven and '*' or '')
  call('HSET', credentials, id, table.concat(digests, ' '))
  return true
end

-- Lets the records of those who left longest ago go when there are too many, but for those whose prompts still wait or run.
local function drop_departed(most)
  if call('HLEN', participants) - call('HLEN', users) <= most then return end
  local needed = {}
  for _, id in ipairs(call('ZRANGEBYSCORE', order, LIVE_FROM, '(' .. ASKED_FROM)) do
    local a = load_approval(id)
    if a then needed[a.author] = true end
  end
  local flat, left, ids = call('HGETALL', participants), {}, {}
  for i = 1, #flat, 2 do
    local at = string.match(flat[i + 1], ',"leftAt":("[^"]+")')
    if at and not needed[flat[i]] then
      left[#left + 1] = at .. flat[i]
    end
  end
  table.sort(left)
  -- A tenth at once, so that not everybody who joins pays for looking.
  for i = 1, math.min(#left, 1000, math.ceil(most / 10)) do ids[i] = string.sub(left[i], -36) end
  if #ids == 0 then return end
  call('HDEL', participants, unpack(ids))
  call('HDEL', credentials, unpack(ids))
end

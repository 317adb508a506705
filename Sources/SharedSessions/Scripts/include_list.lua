-- All participants of a session, as a reply holds them.

-- The newest `most` in join order as a JSON array, and whether those are all. Times of joining are all different.
local function participant_list(most)
  local flat, joined, text = call('HGETALL', participants), {}, {}
  for i = 2, #flat, 2 do
    local at = string.match(flat[i], '"joinedAt":("[^"]+")')
    joined[#joined + 1], text[at] = at, {flat[i - 1], flat[i]}
  end
  table.sort(joined)
  local online, list = {}, {}
  for _, id in ipairs(call('HKEYS', presence)) do online[id] = true end
  for i = math.max(1, #joined - most + 1), #joined do
    local id, record = unpack(text[joined[i]])
    list[#list + 1] = participant_json(record, online[id] and not has_left(record))
  end
  return '[' .. table.concat(list, ',') .. ']', #list == #joined
end

-- What is kept of the agent: fields of a session's hash, and of a hash beside the host session for sessions to come. A field is JSON
-- as it is sent; one that was cut to fit begins with a blank, and an empty one says that there is none.

-- block: take_changes key after
-- Applies changes behind the one of this number: `NUMBER FIELD VALUE`, a line each.
-- args: changes
for number, field, value in string.gmatch(changes, '(%d+) (%S+) ([^\n]*)') do
  if number + 0 > after then call('HSET', key, field, value) end
end

-- Whether any of the changes differs from what is kept.
-- args: changes
local function brings_changes(key)
  for field, value in string.gmatch(changes, '%d+ (%S+) ([^\n]*)') do
    if (call('HGET', key, field) or '') ~= value then return true end
  end
  return false
end

-- Whether the agent has said that it has this mode, or this option with this value. The node has read once what there is: ids of
-- modes with a tab before and behind each; ids of options with a character 30 before each, and their values likewise behind it.
local function offers(kind, target, value)
  if kind == 'mode' then
    return string.find(call('HGET', session, 'agent:modeIds') or '', '\t' .. value .. '\t', 1, true) ~= nil
  end
  local all = call('HGET', session, 'agent:optionValues') or ''
  local _, from = string.find(all, '\30' .. target .. '\t', 1, true)
  if not from then return false end
  local to = string.find(all, '\30', from, true) or #all + 1
  return string.find(string.sub(all, from, to - 1), '\t' .. value .. '\t', 1, true) ~= nil
end

-- What is kept of the agent, and the turn that runs, as it is sent.
local function agent_json()
  local names = {'capabilities', 'name', 'version', 'mode', 'modes', 'options', 'commands', 'usage', 'title', 'plan'}
  local fields = {}
  for i, name in ipairs(names) do fields[i] = 'agent:' .. name end
  local kept, parts, cut = call('HMGET', session, unpack(fields)), {}, false
  for i, name in ipairs(names) do
    local value = kept[i] or ''
    if string.sub(value, 1, 1) == ' ' then value, cut = string.sub(value, 2), true end
    if i == 1 and value == '' then value = '{}' end
    if value ~= '' then parts[#parts + 1] = '"' .. name .. '":' .. value end
  end
  local running = call('HGET', session, 'leased')
  local a = running and load_approval(running)
  if a and a.kind == 'prompt' and a.dispatch and a.dispatch.state == 'started' then
    parts[#parts + 1] = '"turn":{"dispatchId":"' .. a.dispatch.id .. '"' .. a.dispatch.more .. '}'
  end
  if cut then parts[#parts + 1] = '"truncated":true' end
  return '{' .. table.concat(parts, ',') .. '}'
end

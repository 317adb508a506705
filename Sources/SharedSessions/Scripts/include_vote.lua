-- Votes: where more than one of those who may decide have to agree to a prompt. Who has voted for a pending one is under
-- `ID:votes` beside its record, whose state goes on, behind its expiry, with how many votes count and, last, the edit that is
-- voted on; the session's field `voted` names the prompts that have any.

-- How many have to agree.
local needed

-- block: find_needed
needed = (string.match(rules, ' needed=(%d+)') or 1) + 0

-- Prompts of a session that have votes and still wait.
local MOST_VOTED = 100

-- How many of those who voted may decide now; a prompt's own author counts only where one is enough.
local function count_votes(voters, author)
  local count = 0
  for voter in string.gmatch(voters or '', '%S+') do
    local record = (voter ~= author or needed == 1) and call('HGET', participants, voter)
    if record and not has_left(record) and (role_of(record) == 'host' or decides(record)) then count = count + 1 end
  end
  return count
end

-- Takes the votes out of the record that was read; the edit that was voted on, as JSON ('' none).
local function take_votes()
  local from = state_end + #expiry
  local at = string.find(record, ',"prompt":', from, true)
  local _, last = string.find(string.sub(record, from + 1, at - 1), ',"editedPrompt":', 1, true)
  local edit = last and string.sub(record, from + 1 + last, at - 1) or ''
  change_record(string.sub(record, 1, from) .. string.sub(record, at))
  return edit
end

-- Writes the record that was read with its votes, in `saved`.
local function put_votes(id, count, edit)
  local from = state_end + #expiry
  change_record(string.sub(record, 1, from) .. ',"votes":' .. count .. (edit ~= '' and ',"editedPrompt":' .. edit or '')
    .. string.sub(record, from + 1))
  call('HSET', approvals, id, record)
  saved = record
end

-- Tells of a vote; `more` is further members.
local function tell_votes(id, who, count, more)
  emit('prompt_vote', who, '{"approvalId":"' .. id .. '","participant":' .. participant_of(who) .. ',"votes":' .. count
    .. ',"needed":' .. needed .. more .. '}')
end

-- The ids of the prompts that have votes and still wait.
local function voted_prompts()
  local open = {}
  for id in string.gmatch(call('HGET', session, 'voted') or '', '%S+') do
    read_record(id)
    if record and record_state == 'pending' and (expiry == '' or string.sub(expiry, 14) > rfc3339(NOW)) then
      open[#open + 1] = id
    end
  end
  return open
end

-- Takes up which blocks an edit drops.
-- args: blocks
local function drop_blocks()
  if blocks ~= '' then
    local last = string.sub(record, -24) == ',"delivery":"interrupt"}' and ',"delivery":"interrupt"}' or '}'
    change_record(string.sub(record, 1, string.find(record, ',"content":', state_end, true) - 1) .. ',"content":' .. blocks .. last)
  end
end

-- Counts the caller's vote: how many there are, and the edit that was voted on, when the prompt is approved by it; else nil and
-- what the script answers. Whoever edits proposes something else, for which nobody else has voted yet.
-- args: edited edited_hash blocks id reason caller
local function vote()
  local voters = edited_hash == '' and call('HGET', approvals, id .. ':votes') or ''
  if string.find(voters, caller, 1, true) then return nil, refuse('ALREADY_VOTED') end
  local voted = call('HGET', session, 'voted') or ''
  if not string.find(voted, id, 1, true) then
    if #voted >= MOST_VOTED * 37 then
      voted = table.concat(voted_prompts(), ' ') .. ' '
      read_record(id)
      if #voted >= MOST_VOTED * 37 then return nil, refuse('APPROVAL_LIMIT', 'votes') end
    end
    voted = voted .. id .. ' '
  end
  local edit = take_votes()
  if edited ~= '' then edit = edited end
  drop_blocks()
  voters = voters .. caller .. ' '
  local count = count_votes(voters, string.sub(record, 120, 155))
  if count >= needed then return count, edit end
  call('HSET', session, 'voted', voted)
  call('HSET', approvals, id .. ':votes', voters)
  if edited_hash ~= '' then
    local notes = string.gsub(call('HGET', approvals, id .. ':notes'), ' hash=%S+', ' hash=' .. edited_hash)
    call('HSET', approvals, id .. ':notes', notes)
  end
  put_votes(id, count, edit)
  tell_votes(id, caller, count, (edited ~= '' and ',"editedPrompt":' .. edited or '')
    .. (blocks ~= '' and ',"content":' .. blocks or '') .. (reason ~= '' and ',"reason":' .. reason or ''))
  return nil, {'ok', saved, 'vote', host_session_id}
end

-- Counts all votes again after a change of how many are needed or of who may decide, which is `who`'s doing: what has
-- enough is approved. How many were. Its dispatches are named after the prompts, by a fresh id.
-- args: dispatch_seed
local function count_again(who)
  local kept, approved = {}, 0
  for _, id in ipairs(voted_prompts()) do
    read_record(id)
    local before = string.match(record, '^,"votes":(%d+)', state_end + #expiry + 1)
    local count = count_votes(call('HGET', approvals, id .. ':votes'), string.sub(record, 120, 155))
    local edit = take_votes()
    if count >= needed then
      local said = ',"resolvedByParticipantId":"' .. who .. '","votes":' .. count
        .. (edit ~= '' and ',"editedPrompt":' .. edit or '') .. ',"dispatch":{"id":"' .. string.sub(dispatch_seed, 1, 24)
        .. string.sub(id, 25) .. '","state":"queued","attempt":0}'
      settle(id, 'approved', ONE_BAND, said)
      if string.sub(record, -24) == ',"delivery":"interrupt"}' then
        interrupt(id)
      else
        enqueue(id)
      end
      emit_saved('prompt_approved', who, participant_of(who), ',"position":' .. position)
      approved = approved + 1
    else
      kept[#kept + 1] = id .. ' '
      put_votes(id, count, edit)
      if before ~= tostring(count) then tell_votes(id, who, count, '') end
    end
  end
  if #kept > 0 then call('HSET', session, 'voted', table.concat(kept)) else call('HDEL', session, 'voted') end
  return approved
end

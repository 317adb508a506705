-- The answers an agent offers with a permission request. The node has read them once and says which there are: a line each, the
-- side it is on (approve or reject), its kind, its id as JSON. An option of an unknown kind lets the agent go on, so it is on
-- the side of approve, and is never chosen without its id.

-- The option that was chosen last, and the side it is on.
local chosen, side_chosen

-- block: choose options action wanted
-- Finds the option of the id `wanted`, or without one the narrowest that does what `action` says; ends the script when there is
-- none.
local of_kind = {}
for side, kind, option in string.gmatch(options or '', '(%l+) (%S+) ([^\n]+)') do
  if wanted == option then
    if action ~= '' and action ~= side then return refuse('INVALID_OPTION', side) end
    chosen, side_chosen = option, side
  end
  of_kind[kind] = of_kind[kind] or option
end
if wanted == '' then
  chosen, side_chosen = of_kind[action == 'approve' and 'allow_once' or 'reject_once']
    or of_kind[action == 'approve' and 'allow_always' or 'reject_always'], action
end
if not chosen then return refuse(wanted == '' and 'OPTION_REQUIRED' or 'INVALID_OPTION') end

-- block: settle_request
-- Finds out what an answer to the agent means; ends the script for one that it does not take.
-- args: id option given action
if record_kind == 'question' then
  if action == 'approve' and (given == '-'
    or given == '' and string.find(call('HGET', approvals, id .. ':notes'), ' form=form', 1, true)) then
    return refuse('INVALID_ANSWER')
  end
else
  choose(call('HGET', approvals, id .. ':options'), action, option)
  option, action = chosen, side_chosen
end

-- What an answer adds to the state of the record that was read. That of a question comes at its end, with its length in the
-- notes: it is any JSON.
local answered

-- block: add_answer
-- args: id option given action
answered = record_kind == 'permission' and ',"optionId":' .. option or ''
if record_kind == 'question' and action == 'approve' and given ~= '' then
  change_record(string.sub(record, 1, -2) .. ',"answer":' .. given .. '}')
  call('HSET', approvals, id .. ':notes', call('HGET', approvals, id .. ':notes') .. ' answer=' .. #given)
end

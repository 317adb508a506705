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

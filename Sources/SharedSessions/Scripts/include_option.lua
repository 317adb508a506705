-- The answers an agent offers with a permission request. The node has read them once and says which there are: a line each, the
-- side it is on (approve or reject), its kind, its id as JSON. An option of an unknown kind lets the agent go on, so it is on
-- the side of approve, and is never chosen without its id.

-- The option of this id, or without one the narrowest that does what `action` says: its id and its side; or a refusal.
local function choose(options, action, id)
  local of_kind = {}
  for side, kind, option in string.gmatch(options or '', '(%l+) (%S+) ([^\n]+)') do
    if id == option then
      if action ~= '' and action ~= side then return nil, nil, refuse('INVALID_OPTION', side) end
      return option, side
    end
    of_kind[kind] = of_kind[kind] or option
  end
  if id ~= '' then return nil, nil, refuse('INVALID_OPTION') end
  local narrowest = {approve = {'allow_once', 'allow_always'}, reject = {'reject_once', 'reject_always'}}
  for _, kind in ipairs(narrowest[action]) do
    if of_kind[kind] then return of_kind[kind], action end
  end
  return nil, nil, refuse('OPTION_REQUIRED')
end

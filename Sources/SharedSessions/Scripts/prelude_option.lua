-- The answers an agent offers with a permission request, and which of them a decision means.
local NARROWEST = {approve = {'allow_once', 'allow_always'}, reject = {'reject_once', 'reject_always'}}

-- Which way an option decides. A kind nobody knows lets the agent go on, so it counts as an approval.
local function side(option) return string.sub(option.kind, 1, 6) == 'reject' and 'reject' or 'approve' end

-- The option of this id, or without one the narrowest that does what `action` says; nil and a refusal when there is none.
local function choose(options, action, id)
  if id ~= '' then
    for _, option in ipairs(options) do
      if option.optionId == id then
        if action ~= '' and action ~= side(option) then return nil, refuse('INVALID_OPTION', side(option)) end
        return option
      end
    end
    return nil, refuse('INVALID_OPTION')
  end
  for _, kind in ipairs(NARROWEST[action]) do
    for _, option in ipairs(options) do
      if option.kind == kind then return option end
    end
  end
  return nil, refuse('OPTION_REQUIRED')
end

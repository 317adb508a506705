-- The permission matrix of the contract: the one place that decides what a role may do in a mode.
local COMMENTERS = {comment_only = true, prompt_with_approval = true, prompt_direct = true}

local function may_comment(mode, role)
  return role == 'host' or (role == 'collaborator' and COMMENTERS[mode] == true)
end

-- 'direct', 'approval' or nil.
local function prompt_right(mode, role)
  if role == 'host' then return 'direct' end
  if role ~= 'collaborator' then return nil end
  if mode == 'prompt_direct' then return 'direct' end
  if mode == 'prompt_with_approval' then return 'approval' end
  return nil
end

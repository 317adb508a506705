-- The permission matrix of the contract: the one place that decides what a role may do in a mode.

-- block: find_comment_right
-- Whether the caller may comment, in `may_comment`.
local may_comment = caller_role == 'host' or caller_role == 'collaborator'
  and (mode == 'comment_only' or mode == 'prompt_with_approval' or mode == 'prompt_direct')

-- block: find_prompt_right
-- How the caller's prompts are taken, in `right`: 'direct', 'approval', or false when they are not.
local right = caller_role == 'host' and 'direct'
  or caller_role == 'collaborator' and (mode == 'prompt_direct' and 'direct' or mode == 'prompt_with_approval' and 'approval')

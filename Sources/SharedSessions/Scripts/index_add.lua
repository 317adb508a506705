#!lua
-- include: core clock
-- durability: local
-- Puts an entry into an index, and gives the index the longest time anything in it can last: one nobody adds to for
-- longer than that holds nothing that lives.
-- keys: key
-- args: member rule delay lifetime
--   rule: 'NX' only when it is not there, 'LT' no later than it is, 'XX' as LT but only when it is there, 'GT' no earlier, '' always
--   delay: ms from now; lifetime: ms
-- reply: ok, 'true' when the entry is new
local at, added = dec(NOW + tonumber(delay)), nil
if rule == '' then
  added = call('ZADD', key, at, member)
elseif rule == 'XX' then
  added = call('ZADD', key, 'XX', 'LT', at, member)
else
  added = call('ZADD', key, rule, at, member)
end
call('PEXPIRE', key, lifetime)
return {'ok', tostring(added == 1)}

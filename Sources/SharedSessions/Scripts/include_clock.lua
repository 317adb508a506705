-- The clock of scripts that are not on a session; those learn the time when they load it.

-- TIME is read once, because it is not frozen within a script.
local TIME = call('TIME')

local NOW = TIME[1] * 1000 + math.floor(TIME[2] / 1000)

local NOW_US = TIME[1] * 1000000 + TIME[2]

-- Where what a host session runs and asks belongs: `session approval` by dispatch id, `session` by the id of a request. The
-- newest are kept.

-- args: most_places
local function keep_place(id, text)
  call('HSET', places, id, text)
  call('ZADD', places_order, dec(NOW_US), id)
  for _ = 1, call('ZCARD', places_order) - tonumber(most_places) do
    local oldest = call('ZPOPMIN', places_order)[1]
    call('HDEL', places, oldest)
  end
end

-- Shared by every script: JSON text, refusals.
local call = redis.call

-- A whole number as a decimal string, where it may have more than 14 digits: Lua itself would round those.
local function dec(number) return string.format('%.0f', number) end

-- A JSON string, for what the node could not quote because only Redis knows it. Never on a hot path.
local function quote(text) return (string.gsub(cjson.encode(text), '\\/', '/')) end

-- Milliseconds since 1970 as RFC 3339 in UTC, quoted (days to civil date after the Gregorian 400-year cycle).
local function rfc3339(milliseconds)
  local floor = math.floor
  local seconds = floor(milliseconds / 1000)
  local days = floor(seconds / 86400)
  local rest = seconds - days * 86400
  local z = days + 719468
  local era = floor(z / 146097)
  local doe = z - era * 146097
  local yoe = floor((doe - floor(doe / 1460) + floor(doe / 36524) - floor(doe / 146096)) / 365)
  local doy = doe - (365 * yoe + floor(yoe / 4) - floor(yoe / 100))
  local mp = floor((5 * doy + 2) / 153)
  local day = doy - floor((153 * mp + 2) / 5) + 1
  local month = mp < 10 and mp + 3 or mp - 9
  local year = yoe + era * 400 + (month <= 2 and 1 or 0)
  return string.format('"%04d-%02d-%02dT%02d:%02d:%02d.%03dZ"', year, month, day, floor(rest / 3600),
    floor(rest / 60) % 60, rest % 60, milliseconds - seconds * 1000)
end

-- A refusal: the code first, then what the node needs to explain it.
local function refuse(code, ...) return {code, ...} end

-- True for a field that is there and not empty.
local function present(value) return value and value ~= '' end

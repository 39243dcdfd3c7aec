-- wrk sends the requests of a file in turn: lines of "token<TAB>body", numbers in place of @NUMBER@.
local requests, sent, stamp = {}, 0, ""
-- What wrk itself cannot see: answers of status 200 that refuse.
refused = 0

function setup(thread)
  threads = threads or {}
  table.insert(threads, thread)
end

function init(args)
  stamp = args[2]
  for line in io.lines(args[1]) do
    local token, body = line:match("^(.-)\t(.*)$")
    local headers = { ["Content-Type"] = "application/json", ["X-Api-Key"] = args[3] }
    if token ~= "" then headers["Authorization"] = "Bearer " .. token end
    local numbered = body:find("@NUMBER@", 1, true) ~= nil
    local whole = not numbered and wrk.format("POST", nil, headers, body) or nil
    table.insert(requests, { headers = headers, body = body, whole = whole })
  end
end

function request()
  sent = sent + 1
  local one = requests[sent % #requests + 1]
  if one.whole then return one.whole end
  local body = one.body:gsub("@NUMBER@", stamp .. sent)
  return wrk.format("POST", nil, one.headers, body)
end

function response(status, headers, body)
  if status ~= 200 or body:find('"errors":', 1, true) or body:find('"userErrors":[{', 1, true) then
    refused = refused + 1
  end
end

function done(summary, latency, _)
  local failed = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  for _, thread in ipairs(threads) do failed = failed + thread:get("refused") end
  print(string.format("RESULT %d %d %.1f %.1f %d", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), failed))
end

-- wrk's script: send the lines of the file that its argument names in turn, and print the figures as JSON.

local bodies, turn = {}, 0

function init(arguments)
    for line in io.lines(arguments[1]) do
        bodies[#bodies + 1] = line
    end
    wrk.method = "POST"
    wrk.headers["Content-Type"] = "application/json"
end

function request()
    turn = turn % #bodies + 1
    return wrk.format(nil, nil, nil, bodies[turn])
end

function done(summary, latency, requests)
    local errors = summary.errors
    io.write(string.format(
        '{"requests": %d, "seconds": %.6f, "p50_us": %d, "p95_us": %d, "p99_us": %d, ' ..
        '"connect": %d, "read": %d, "write": %d, "status": %d, "timeout": %d}\n',
        summary.requests, summary.duration / 1e6,
        latency:percentile(50), latency:percentile(95), latency:percentile(99),
        errors.connect, errors.read, errors.write, errors.status, errors.timeout))
end

# Google Benchmark's results -> what bench_plot.gp draws: place, name, time and limit in nanoseconds, separated by tabs. Hits on one
# thread and publishes, the quickest first.
include "bench_rows";

[rows | select((.failed | not) and (.name | test("^(hit|publish)/") and (test("threads:[^1]") | not)))]
| sort_by(.time) | to_entries[]
| [.key, (.value.name | sub("/threads:1$"; "")), .value.time, (.value.limit // "NaN")] | @tsv

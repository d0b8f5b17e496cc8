# Google Benchmark's results -> rows of name, time, limit and ratio, separated by tabs.
include "bench_rows";

def readable:
  if . == null then "-"
  elif . < 1e3 then "\(. * 10 | round / 10) ns"
  elif . < 1e6 then "\(. / 1e2 | round / 10) us"
  elif . < 1e9 then "\(. / 1e5 | round / 10) ms"
  else "\(. / 1e8 | round / 10) s" end;

rows
| if .failed then [.name, "failed", "-", "-"]
  else [.name, (.time | readable), (.limit | readable), (if .limit then "\(.time / .limit * 100 | round / 100)" else "-" end)] end
| @tsv

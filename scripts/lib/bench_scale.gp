# gnuplot -e "rows='FILE'; plot='FILE.svg'; kinds='sqlite postgres'" bench_scale.gp: the time of calls by the size of the table, a line
# for each kind of call and store; see bench_scale.sh. Colours as in bench_plot.gp.
set terminal svg size 600, 480 font "sans-serif,15" noenhanced
set output plot
set datafile separator "\t"
set datafile missing NaN
set border 1 linecolor rgb "#808080"
set logscale xy 10
set format x "%.0s%c"
set format y "%.0s %cs"
set xrange [*:*] noextend
set xlabel "entries of the table" textcolor rgb "#808080"
set xtics nomirror textcolor rgb "#808080"
set ytics scale 0 textcolor rgb "#808080"
set grid ytics linecolor rgb "#808080" dashtype 3
set key below textcolor rgb "#808080" samplen 2 maxrows 4
colours = "#d29922 #2f81f7 #3fb950"
calls = "3 5 9 11"
names = "'start check' 'look-up' '100 keys' 'publish'"
scale(call) = call == 1 ? 1e-3 : 1e-6
plot for [k = 1:words(kinds)] for [c = 1:words(calls)] rows \
  using (strcol(1) eq word(kinds, k) ? $2 : NaN):(column(int(word(calls, c))) * scale(c)) skip 1 \
  with linespoints linecolor rgb word(colours, k) pointtype int(word("6 7 5 9", c)) title word(kinds, k) . ": " . word(names, c)
